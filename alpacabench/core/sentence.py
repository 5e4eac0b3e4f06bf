"""A sentence and the condition under which it is true, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

Facts = TypeVar("Facts")


@dataclass(frozen=True, slots=True)
class Sentence(Generic[Facts]):
    """One sentence that a page, a table or the terminal may print.

    `tests/analysis/test_sentences.py` walks planted truths and fails where a sentence is false, where one never
    comes up, and where a page concludes something that is no sentence of these.
    """

    name: str
    text: str
    """With {fields}."""
    when: Callable[[Facts], bool]
    fields: Callable[[Facts], Mapping[str, object]] = lambda facts: {}
    error: float = 0.0
    """How often it may be false where its condition holds: a test's level. 0 where it only tells what was counted."""

    def of(self, facts: Facts) -> str:
        """Return the sentence of these facts; empty where it would not be true."""
        return self.text.format(**self.fields(facts)) if self.when(facts) else ""


def first(sentences: Iterable[Sentence[Facts]], facts: Facts) -> str:
    """Return the first sentence that is true; empty where none is."""
    return next(filter(None, (sentence.of(facts) for sentence in sentences)), "")


def every(sentences: Iterable[Sentence[Facts]], facts: Facts) -> list[str]:
    """Return every sentence that is true, in their order."""
    return list(filter(None, (sentence.of(facts) for sentence in sentences)))
