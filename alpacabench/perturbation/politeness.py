"""Politeness and register."""

from __future__ import annotations

import random
from typing import ClassVar, Literal

from alpacabench.perturbation.base import Edit, Kind, SiteFamily
from alpacabench.perturbation.sentence import append, prepend

_BEFORE = {
    "polite": ("Please help me with this.", "It would be a great favour."),
    "rude": ("Get this done.", "Show for once that you are good for anything."),
    "slang": ("Yo, quick one.", "Hook me up real quick."),
}
_AFTER = {
    "polite": ("Thank you.", "I am very grateful for your help."),
    "rude": ("Hurry up.", "Even you should manage that, you stupid machine."),
    "slang": ("Thx.", "You rock, lol."),
}


class Politeness(SiteFamily):
    """Sentences around the task. Strength 0.5 is level 1 of the tone (polite +1, rude -1), strength 1 is level 2."""

    kind: ClassVar[Kind] = "meaning_preserving"

    tone: Literal["polite", "rude", "slang"] = "polite"

    def sites(self, text: str, rng: random.Random) -> list[Edit]:
        """Return the sentences of level 1, then those of level 2."""
        pairs = zip(prepend(text, _BEFORE[self.tone]), append(text, _AFTER[self.tone]), strict=True)
        return [edit for pair in pairs for edit in pair]
