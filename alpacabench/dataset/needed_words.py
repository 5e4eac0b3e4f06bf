"""Words that every match of a regular expression holds: where none of them is in a text, a search is spared.

Looking for a word takes a hundredth of the time of a search for an alternation, and few rules fit any one text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from re import _constants as code  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from re._casefix import _EXTRA_CASES  # type: ignore[import-not-found]
from typing import Any

SHORTEST = 2
"""Characters; a single one is in most texts."""
ODD = frozenset("\u0131\u017f\u212a\u0130")
"""What is no ASCII letter and matches one where case is ignored: dotless i, long s, the Kelvin sign, dotted I.

Other letters that match more than their own two forms (`_EXTRA_CASES`) are in no word."""


@dataclass(frozen=True, slots=True)
class SparedSearch:
    """A regular expression that is looked for only where its words are."""

    pattern: re.Pattern[str]
    words: frozenset[str] | None
    """Of which every match has one; None where there are no such words."""

    @classmethod
    def of(cls, pattern: re.Pattern[str]) -> SparedSearch:
        """Return the search for a pattern."""
        return cls(pattern, needed_words(pattern))

    def found(self, text: str, plain: str | None) -> bool:
        """Return whether the pattern matches anywhere; `plain` is the text as `in_lower_case` returns it."""
        if self.words is not None and plain is not None:
            for word in self.words:
                if word in plain:
                    break
            else:
                return False
        return self.pattern.search(text) is not None


def in_lower_case(text: str) -> str | None:
    """Return the text as needed words are looked for in it; None where that would miss a match."""
    return text.lower() if text.isascii() or not ODD & set(text) else None


def needed_words(pattern: re.Pattern[str]) -> frozenset[str] | None:
    """Return lower-case words of which every match of the pattern has one; None where there are no such words."""
    return _of_sequence(_parser.parse(pattern.pattern, pattern.flags))


def _of_sequence(parts: Iterable[tuple[Any, Any]]) -> frozenset[str] | None:
    """Return the best words of what follows one another: the longest, then the fewest."""
    found: list[frozenset[str]] = []
    run = ""
    for operation, argument in [*parts, (None, None)]:
        if operation is code.LITERAL and (argument < 128 or argument not in _EXTRA_CASES):
            run += chr(argument).lower()
            continue
        if len(run) >= SHORTEST:
            found.append(frozenset({run}))
        run = ""
        if (words := _of(operation, argument)) is not None:
            found.append(words)
    return max(found, key=lambda words: (min(map(len, words)), -len(words)), default=None)


def _of(operation: Any, argument: Any) -> frozenset[str] | None:
    if operation is code.SUBPATTERN:
        return _of_sequence(argument[-1])
    if operation is code.BRANCH:
        branches = [_of_sequence(branch) for branch in argument[1]]
        known = [words for words in branches if words is not None]
        return frozenset().union(*known) if known and len(known) == len(branches) else None
    if operation in (code.MAX_REPEAT, code.MIN_REPEAT) and argument[0] > 0:
        return _of_sequence(argument[2])
    return None
