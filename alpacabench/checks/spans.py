"""Spans of a text that are masked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """What is masked in a text."""

    start: int
    end: int
    mask: str


class Masked(NamedTuple):
    """A text with its spans masked."""

    text: str
    spans: tuple[Span, ...]

    def at(self, place: int) -> int:
        """Return where a place of the original text is now."""
        moved = 0
        for start, end, mask in self.spans:
            if place < end:
                return min(place, start) + moved
            moved += len(mask) - (end - start)
        return place + moved


def masked(text: str, spans: Iterable[Span]) -> Masked:
    """Return the text with its spans masked; of spans that overlap the first, and the longer, counts."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        if span.end > span.start and (not kept or span.start >= kept[-1].end):
            kept.append(span)
    parts, at = [], 0
    for start, end, mask in kept:
        parts += [text[at:start], mask]
        at = end
    return Masked("".join([*parts, text[at:]]), tuple(kept))
