"""Translated prompts, from a file or written by a model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

from alpacabench.core.errors import Problem
from alpacabench.core.language import NAMES, Language, in_language
from alpacabench.core.records import Prompt
from alpacabench.core.spans import head_end
from alpacabench.perturbation.base import Kind
from alpacabench.perturbation.validity.facts import DIGITS, changed_length, missing_verbatim, numbers
from alpacabench.perturbation.validity.gate import GateResult
from alpacabench.perturbation.validity.tokens import plain
from alpacabench.perturbation.written import WrittenVariants

SHORTEST = 1 / 8
"""Of the original's length: Chinese needs few characters."""

_QUOTES = re.compile(r"\"[^\"\n]+\"|“[^”\n]+”|„[^“”\"\n]+[“”\"]|«[^»\n]+»|「[^」\n]+」")


class Translation(WrittenVariants):
    """The request in another language; it changes the answer's language too, so it is an effect, not robustness."""

    kind: ClassVar[Kind] = "task_changing"
    apart: ClassVar[str] = ", apart from the language it is in,"

    language: Language | None = None
    """What the variants are in; None leaves the language of a file's variants unchecked."""

    @property
    def gated(self) -> bool:
        """A translation that the gate rejects is a failed one, and does not count."""
        return True

    def problems(self) -> Iterator[Problem]:
        """Yield a problem also where a writer is not told the language."""
        yield from super().problems()
        if self.writer is not None and self.language is None:
            yield Problem("perturbation.language", "missing", f"name the language to write: {', '.join(NAMES)}")

    def request(self, prompt: Prompt) -> Prompt:
        """Return what the writer is asked."""
        asked = super().request(prompt)
        return Prompt(asked.example, asked.text.replace("{language}", NAMES[self.language or "en"], 1))

    def gate(self, original: str, text: str) -> GateResult:
        """Return whether code, links, digits and the number of quotes stayed, and the text is in the language."""
        if original == text:
            return GateResult(not self.language, ("it is not translated",) if self.language else ())
        reasons = [*_changed(plain(original), plain(text)), *changed_length(original, text, SHORTEST)]
        head = text[: head_end(text)]
        if self.language and not in_language(_without_kept(head if head.strip() else text), self.language):
            reasons.append(f"it is not in {NAMES[self.language]}")
        return GateResult(not reasons, tuple(reasons))


def _changed(original: str, variant: str) -> Iterator[str]:
    yield from (reason for reason in missing_verbatim(original, variant) if not reason.startswith("quoted"))
    if len(_QUOTES.findall(original)) > len(_QUOTES.findall(variant)):
        yield "quoted text is missing"
    before, after = _digits(original), _digits(variant)
    # A number that the original writes as a word may become digits, and a word of the other language is not known.
    yield from (f"number {number!r} is missing" for number in before - after)
    yield from (f"number {number!r} is added" for number in after - before - numbers(original))


def _digits(text: str) -> Counter[str]:
    return Counter(re.sub("[.,]", "", match) for match in DIGITS.findall(text))


def _without_kept(text: str) -> str:
    """Return the text without what a translation keeps: code, links and quotes."""
    return re.sub(r"`[^`\n]+`|https?://\S+|" + _QUOTES.pattern, " ", text)
