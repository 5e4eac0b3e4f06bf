"""Where a prompt may be edited: protected spans, words, names, and the end of the task before its input."""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")
_PROTECTED = [
    re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL),
    re.compile(r"`[^`\n]+`"),
    re.compile(r"(?:https?://|www\.)\S+|\S+@\S+\.\w+"),
    re.compile(r'["＂][^"＂]+["＂]|[“”„][^“”]+[“”]|«[^»]+»'),
    # Again within one line: an inch mark must not shift the pairing of the quotes on the lines below it.
    re.compile(r'"[^"\n]+"'),
    re.compile(r"(?<!\w)'[^'\n]+'(?!\w)|(?<!\w)‘[^’\n]+’(?!\w)"),
    re.compile(r"\S*\d(?:\S*\w)?%?"),
]
_STARTS_SENTENCE = re.compile(r"(?:\A|[.!?:\n])[^\w\n]*\Z")


def head_end(text: str) -> int:
    """Return where the task's own words end: at the first blank line (its input follows), or at the end of the text."""
    match = _BLANK_LINE.search(text)
    return match.start() if match else len(text)


def protected(text: str) -> list[Span]:
    """Return the spans that no edit may touch, sorted and merged: code, URLs, quotes, numbers, the task's input."""
    end = head_end(text)
    spans = [m.span() for pattern in _PROTECTED for m in pattern.finditer(text) if m.start() < end]
    spans.append((end, len(text)))
    merged: list[Span] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return [span for span in merged if span[0] < span[1]]


def free(text: str, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """Yield the pattern's matches that touch no protected span."""
    spans = protected(text)
    for match in pattern.finditer(text):
        if not any(start < match.end() and match.start() < stop for start, stop in spans):
            yield match


def is_name(text: str, word: re.Match[str]) -> bool:
    """Return whether a word looks like a name: an acronym, or a capital that no sentence start explains."""
    value = word.group()
    if value == "I" or value.startswith(("I'", "I’")) or value.islower():
        return False
    if value.isupper():
        return len(value) > 1 and not text.isupper()
    if not value.istitle() and not value[1:].islower():
        return True
    return not _STARTS_SENTENCE.search(text, max(0, word.start() - 8), word.start())
