"""A limit on the answer's length."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from alpacabench.perturbation.base import Edited, Kind, Perturbation, edited
from alpacabench.perturbation.sentence import append

LOOSEST = 999
# A limit of fewer digits ends in more words, so that more strength never makes a smaller edit.
_ENDING = {3: "words.", 2: "words in all.", 1: "words in all, no more."}


class LengthConstraint(Perturbation):
    """Asks for at most N = `words` / strength words: 200, 100 and 50 at strength 0.25, 0.5 and 1."""

    kind: ClassVar[Kind] = "task_changing"

    words: int = Field(50, ge=1, le=LOOSEST)

    def rewrite(self, text: str, strength: float, seed: int, item_id: str) -> Edited:
        """Append the limit to the task."""
        limit = str(min(LOOSEST, round(self.words / strength)))
        return edited(text, append(text, [f"Answer in at most {limit} {_ENDING[len(limit)]}"]))
