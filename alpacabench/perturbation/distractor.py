"""Sentences that have nothing to do with the task."""

from __future__ import annotations

import random
import string
from typing import ClassVar, Literal

from pydantic import Field

from alpacabench.perturbation.base import Edit, Kind, SiteFamily
from alpacabench.perturbation.sentence import append, prepend

TAUTOLOGY = "And true is true."
UNRELATED = (
    "The bus to the harbour was late this morning.",
    "My neighbour is painting her fence green.",
    "A heron was standing in the pond.",
    "The bakery has run out of rye bread.",
    "It has been raining since breakfast.",
    "The old clock in the hall is slow again.",
    "Somebody left an umbrella on the train.",
    "The cat is asleep on the windowsill.",
)


class Distractor(SiteFamily):
    """Tautologies, unrelated sentences or random tokens beside the task; strength is a share of `sentences`."""

    kind: ClassVar[Kind] = "noise"

    bank: Literal["tautology", "unrelated", "random"] = "tautology"
    sentences: int = Field(5, ge=1, le=len(UNRELATED))
    place: Literal["before", "after"] = "after"

    def sites(self, text: str, rng: random.Random) -> list[Edit]:
        """Return one insertion per sentence."""
        place = prepend if self.place == "before" else append
        return place(text, self._draw(rng))

    def _draw(self, rng: random.Random) -> list[str]:
        if self.bank == "tautology":
            return [TAUTOLOGY] * self.sentences
        if self.bank == "unrelated":
            return rng.sample(UNRELATED, self.sentences)
        letters = string.ascii_letters + string.digits
        # A digit inside makes it a token that no reader takes for a word.
        return [
            "".join(rng.choices(letters, k=5)) + "7" + "".join(rng.choices(letters, k=4)) + "."
            for _ in range(self.sentences)
        ]
