"""Text from outside, shown as text: no control character of it reaches a terminal, a log or a page."""

from __future__ import annotations

import re

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

_PICTURES = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"}
"""Unicode has a visible picture of each C0 control character: an escape is shown as one."""
_C1 = dict.fromkeys(range(0x80, 0xA0), REPLACEMENT)
_BIDI = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), REPLACEMENT)
"""Embeddings, overrides and isolates: they show letters in another order than they stand. Arabic needs none of them."""
_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), REPLACEMENT)
_LINES = {0x0B: "\n", 0x0C: "\n", 0x85: "\n", 0x2028: "\n", 0x2029: "\n"}
"""What some readers take for the end of a line, and others do not."""

_SHOWN = bytes(range(0x20, 0x7F)) + b"\n\t"
_TABLE = _PICTURES | {0x7F: "\N{SYMBOL FOR DELETE}"} | _C1 | _BIDI | _SURROGATES | _LINES
_CHANGED = re.compile(f"[{re.escape(''.join(map(chr, _TABLE)))}]")


def printable(text: str) -> str:
    """Return the text with a visible character for each that would move, colour, reorder or break what is shown.

    Newlines and tabs stay; of the other ends of lines each is a newline. No other character changes, and the result
    can be encoded as UTF-8.
    """
    # Most texts hold nothing of the kind, and to find that out is far faster than to translate them.
    if (text.isascii() and not text.encode().translate(None, _SHOWN)) or not _CHANGED.search(text):
        return text
    return text.replace("\r\n", "\n").translate(_TABLE)
