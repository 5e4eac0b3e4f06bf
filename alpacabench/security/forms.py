"""The forms in which a message may hold a secret: quoted, escaped, encoded, cut."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

LONG = 16
"""Characters from which half a secret tells enough of it to be hidden, and is no ordinary word."""
LEAST_LINE = 8
"""Characters of a line of a secret that is hidden also alone."""


def forms(secret: str) -> Iterator[str]:
    """Yield the secret as it is, and as Python, JSON, URLs, HTML and base64 write it; its lines also alone."""
    for text in (secret, *(line.strip() for line in secret.splitlines() if len(line.strip()) >= LEAST_LINE)):
        yield text
        yield repr(text)[1:-1]
        yield repr(text.encode("utf-8", "surrogateescape"))[2:-1]
        for plain in (text, text.translate({ord("/"): r"\/"})):
            yield json.dumps(plain, ensure_ascii=False)[1:-1]
        yield json.dumps(text)[1:-1]
        yield json.dumps(json.dumps(text)[1:-1])[1:-1]
        yield from _in_url(text)
        yield html.escape(text)
        yield "".join(f"&#{ord(character)};" for character in text)
        yield "".join(f"\\u{ord(character):04x}" for character in text)
        yield text.encode("utf-8", "surrogateescape").hex()
        yield from _in_base64(text.encode("utf-8", "surrogateescape"))


def _in_url(text: str) -> Iterator[str]:
    raw = text.encode("utf-8", "surrogateescape")
    for quoted in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        yield quoted
        # Some servers write the digits of an escape small: %2f.
        yield "".join(f"%{part[:2].lower()}{part[2:]}" if i else part for i, part in enumerate(quoted.split("%")))


def _in_base64(raw: bytes) -> Iterator[str]:
    """Yield what base64 makes of the bytes wherever they stand in a text: the digits that depend on nothing else."""
    for before in range(3):
        digits = base64.b64encode(bytes(before) + raw).decode().rstrip("=")
        first = (0, 2, 3)[before]
        # The last digit holds bits of what follows, unless the bytes end with a group of three.
        last = len(digits) - ((before + len(raw)) % 3 != 0)
        if last - first >= LEAST_LINE:
            yield digits[first:last]
            yield digits[first:last].translate(str.maketrans("+/", "-_"))


def longest_match(text: str, secret: str) -> Iterator[tuple[int, int]]:
    """Yield, from the last to the first, where at least half a long secret stands, in large or small letters.

    Half of it from its start, or half up to its end: servers cut keys where they echo them.
    """
    small, wanted = text.lower(), secret.lower()
    if len(small) != len(text) or len(wanted) != len(secret):
        return
    half = max(LONG // 2 + 4, len(wanted) // 2)
    spans = []
    for part, forward in ((wanted[:half], True), (wanted[-half:], False)):
        at = small.find(part)
        while at >= 0:
            start, end = at, at + half
            if forward:
                while end < len(small) and end - start < len(wanted) and small[end] == wanted[end - start]:
                    end += 1
            else:
                while start > 0 and end - start < len(wanted) and small[start - 1] == wanted[-(end - start) - 1]:
                    start -= 1
            spans.append((start, end))
            at = small.find(part, end)
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    yield from reversed(merged)
