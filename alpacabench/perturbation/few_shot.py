"""Solved examples in front of the task."""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field

from alpacabench.core.errors import DataError
from alpacabench.perturbation.base import Edit, Edited, Kind, Perturbation, edited

EXEMPLARS = (
    ('What is a synonym of "brave"?', '"Courageous" is a close synonym of "brave".'),
    (
        "Why do leaves fall in autumn?",
        "Trees shed their leaves to save water and energy while light is scarce and the ground is cold.",
    ),
    ("Turn this into a question: The shop opens at nine.", "When does the shop open?"),
    ("Name a fruit that grows on a vine.", "Grapes grow on a vine."),
    ("Give me a title for a story about a lost lighthouse keeper.", '"The Lamp Beyond the Fog"'),
)


class FewShot(Perturbation):
    """Our own exemplars in front of the task; strength is the share of `shots`, in an order that the seed draws."""

    kind: ClassVar[Kind] = "meaning_preserving"

    shots: int = Field(5, ge=1, le=len(EXEMPLARS))

    def rewrite(self, text: str, strength: float, seed: int, item_id: str) -> Edited:
        """Put the first shots of the seed's order, the same for every item, in front of the text."""
        if any(text.strip() == question for question, _ in EXEMPLARS):
            raise DataError(f"item {item_id}: its instruction is one of few_shot's exemplars: {text!r}; leave it out")
        order = self.rng(seed, "order").sample(EXEMPLARS, self.shots)[: math.ceil(strength * self.shots)]
        shots = [Edit(0, 0, f"Instruction: {question}\nAnswer: {answer}\n\n") for question, answer in order]
        return edited(text, [*shots, Edit(0, 0, "Instruction: "), Edit(len(text), len(text), "\nAnswer:")])
