"""The longer answer wins: no model, no key; a baseline that a useful judge must differ from."""

from __future__ import annotations

from typing import Any

from alpacabench.judge.base import Judge
from alpacabench.judge.question import Question


class Longest(Judge):
    """Prefers the answer with more characters; equal lengths are a draw."""

    @property
    def label(self) -> str:
        """The name that alpaca_eval gives this judge, or a given one."""
        return self.name or "longest"

    def identity(self) -> dict[str, Any]:
        """Return the rule's name: there is nothing else."""
        return {"backend": "longest"}

    def compare(self, shown: Question) -> float:
        """Compare the lengths."""
        first, second = map(len, shown.outputs)
        return 1.5 if first == second else 1.0 if first > second else 2.0
