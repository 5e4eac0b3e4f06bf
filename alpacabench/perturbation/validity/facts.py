"""What a variant must keep word for word, in whatever words it asks: code, links, quotes, numbers and names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from alpacabench.perturbation.validity.tokens import plain, tokens

VERBATIM = {
    "code": re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL),
    "link": re.compile(r"(?:https?://|www\.)[^\s)>\]]*[\w/]"),
    "quoted text": re.compile(r"\"[^\"\n]+\"|(?<!\w)'[^'\n]+'(?!\w)"),
}
LEAST_RATIO, MOST_RATIO = 1 / 3, 3.0
"""How much shorter and longer a variant may be."""
SHORT = 40
"""Characters below which a ratio of lengths says little."""

DIGITS = re.compile(r"\d+(?:[.,]\d+)*")


def missing_verbatim(original: str, variant: str) -> Iterator[str]:
    """Yield each span of code, link or quote of a plain text that its variant lacks."""
    squeezed = " ".join(variant.split())
    for what, pattern in VERBATIM.items():
        for match in pattern.finditer(original):
            span, there = " ".join(match.group().split()), squeezed
            if what == "quoted text":
                span, there = span[1:-1].strip().casefold(), squeezed.casefold()
            if span not in there:
                yield f"{what} changed: {match.group()!r}"


def changed_facts(original: str, variant: str) -> tuple[str, ...]:
    """Return every code, link, quote, number or name that was lost, changed or added, and a length out of range."""
    length = changed_length(original, variant)
    original, variant = plain(original), plain(variant)
    reasons = [*missing_verbatim(original, variant), *changed_numbers(original, variant), *length]
    return tuple(reasons + list(_changed_names(original, variant)))


def changed_numbers(original: str, variant: str) -> Iterator[str]:
    """Yield each number that one of two plain texts lacks; number words count as their digits."""
    before, after = numbers(original), numbers(variant)
    yield from (f"number {number!r} is missing" for number in before - after)
    yield from (f"number {number!r} is added" for number in after - before)


def changed_length(original: str, variant: str, least: float = LEAST_RATIO, most: float = MOST_RATIO) -> Iterator[str]:
    """Yield a reason where the variant is much shorter or longer."""
    ratio = len(variant) / max(1, len(original))
    if not least <= ratio <= most and max(len(original), len(variant)) > SHORT:
        yield f"the variant is {ratio:.1f} times as long"


def numbers(text: str) -> Counter[str]:
    """Return the numbers of a plain text, number words as their digits."""
    # Digits also within a word ("80th").
    found = [
        [token.form] if token.kind == "number" else DIGITS.findall(token.written)
        for token in tokens(text)
        if token.kind != "symbol"
    ]
    return Counter(number for several in found for number in several)


def _changed_names(original: str, variant: str) -> Iterator[str]:
    before, after = tokens(original), tokens(variant)
    for these, those, what in ((before, after, "missing"), (after, before, "added")):
        known = {token.stem for token in those}
        for token in dict.fromkeys(token for token in these if token.name and token.stem not in known):
            yield f"the name {token.written!r} is {what}"
