"""The language that the answer is asked for in."""

from __future__ import annotations

import random
from typing import ClassVar, Literal

from alpacabench.core.language import NAMES, Language
from alpacabench.perturbation.base import Edit, Kind, SiteFamily
from alpacabench.perturbation.sentence import append


class AnswerLanguage(SiteFamily):
    """Asks for an answer "in German"; strength is the share of the items that are asked so."""

    kind: ClassVar[Kind] = "task_changing"
    dose: ClassVar[Literal["sites", "items"]] = "items"

    language: Language = "de"

    def sites(self, text: str, rng: random.Random) -> list[Edit]:
        """Return the sentence that names the language."""
        return append(text, [f"Answer in {NAMES[self.language]}."])
