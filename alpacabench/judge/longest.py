"""The longer answer wins: no model, no key; a baseline that a useful judge must differ from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from alpacabench.core.records import Message
from alpacabench.judge.base import Judge, Question
from alpacabench.store.ask_once import Reply


class Longest(Judge):
    """Prefers the answer with more characters; equal lengths are a draw."""

    @property
    def label(self) -> str:
        """The name that alpaca_eval gives this judge."""
        return "longest"

    def identity(self) -> dict[str, Any]:
        """Return the rule's name: there is nothing else."""
        return {"backend": "longest"}

    def render(self, instruction: str, output_1: str, output_2: str) -> list[Message]:
        """Return what is compared; nobody reads it."""
        return [{"role": "user", "content": text} for text in (instruction, output_1, output_2)]

    def ask(self, questions: list[Question]) -> Iterable[Reply]:
        """Compare the lengths."""
        for question in questions:
            model, reference = len(question.pair.output), len(question.pair.reference)
            preference = 1.5 if model == reference else 2.0 if model > reference else 1.0
            yield Reply(question.key, {"preference": preference, "raw": {"model": model, "reference": reference}})
