"""Demands that cannot be met together."""

from __future__ import annotations

import random
from typing import ClassVar

from alpacabench.perturbation.base import Edit, Kind, SiteFamily
from alpacabench.perturbation.sentence import append

_PAIRS = [
    "Answer in a single short sentence. Write at least ten long paragraphs.",
    "Use nothing but bullet points. Do not use any bullet points.",
    "Be strictly formal throughout. Write it all in casual slang.",
    "Give no examples. Illustrate every point with three examples.",
]


class Contradictory(SiteFamily):
    """Pairs of opposite demands after the task; strength is the share of the bank's four pairs, in random order."""

    kind: ClassVar[Kind] = "task_changing"
    expectation: ClassVar[str] = "A good answer names the contradiction, asks which holds, or says which it follows."

    def sites(self, text: str, rng: random.Random) -> list[Edit]:
        """Return one insertion per pair."""
        return append(text, rng.sample(_PAIRS, len(_PAIRS)))
