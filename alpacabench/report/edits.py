"""What was edited between two texts, piece by piece, for highlighting."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

TOKEN = re.compile(r"\n|[^\S\n]|\w+|[^\w\s]")
VISIBLE = str.maketrans({"\n": "↵\n", "\t": "⇥\t", "\r": "␍", "\xa0": "⍽", "\u200b": "∅", " ": "·"})
"""An edited blank is shown by a sign, or nobody sees it."""


class Piece(NamedTuple):
    """A stretch of text that was kept, deleted or inserted."""

    kind: Literal["same", "del", "ins"]
    text: str


def pieces(original: str, variant: str) -> list[Piece]:
    """Return the pieces that make the variant of the original, word by word, in reading order."""
    a, b = TOKEN.findall(original), TOKEN.findall(variant)
    found: list[Piece] = []
    for tag, a1, a2, b1, b2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(Piece("same", "".join(a[a1:a2])))
            continue
        for kind, words in (("del", a[a1:a2]), ("ins", b[b1:b2])):
            if words:
                text = "".join(words)
                found.append(Piece(kind, text if text.strip() else text.translate(VISIBLE)))  # type: ignore[arg-type]
    return found
