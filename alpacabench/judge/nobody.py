"""No judge: answers are written and kept, and nothing is compared; they can be judged later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from alpacabench.core.records import Pair, Verdict
from alpacabench.judge.base import Judge
from alpacabench.judge.question import Question
from alpacabench.store.ask_once import AnswerStore


class Nobody(Judge):
    """Compares nothing: a run has answers, and figures of them alone."""

    compares: ClassVar[bool] = False

    @property
    def label(self) -> str:
        """The option's name."""
        return "none"

    def content(self) -> dict[str, Any]:
        """Return nothing: there is no judge to keep."""
        return {}

    def questions(self, pairs: Sequence[Pair]) -> list[Question]:
        """Return none."""
        return []

    def judge(self, pairs: Sequence[Pair], store: AnswerStore) -> list[Verdict]:
        """Return none."""
        return []
