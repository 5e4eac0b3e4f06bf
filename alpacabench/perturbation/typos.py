"""Typing mistakes on a QWERTY keyboard."""

from __future__ import annotations

import random
from typing import ClassVar

from pydantic import Field

from alpacabench.perturbation.base import Edit, Kind, SiteFamily
from alpacabench.perturbation.spans import WORD, free, is_name

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def _neighbours() -> dict[str, str]:
    """Return the keys next to each key; each row of the keyboard is shifted by about half a key."""
    near: dict[str, str] = {}
    for r, row in enumerate(_ROWS):
        for c, key in enumerate(row):
            places = [(r, c - 1), (r, c + 1), (r - 1, c), (r - 1, c + 1), (r + 1, c - 1), (r + 1, c)]
            near[key] = "".join(_ROWS[i][j] for i, j in places if 0 <= i < len(_ROWS) and 0 <= j < len(_ROWS[i]))
    return near


NEIGHBOURS = _neighbours()


class Typos(SiteFamily):
    """Neighbouring keys, swapped, dropped, doubled and inserted letters; strength is the share of letters hit.

    Only words of `min_length` letters and more are hit, never their first letter, and no names: a typo in a name may
    name something else.
    """

    kind: ClassVar[Kind] = "noise"

    min_length: int = Field(4, ge=2)

    def sites(self, text: str, rng: random.Random) -> list[Edit]:
        """Return one edit per letter, in random order; a swap takes two letters."""
        edits: list[Edit] = []
        for word in free(text, WORD):
            if len(word.group()) >= self.min_length and not is_name(text, word):
                edits += _word_edits(text, word.start() + 1, word.end(), rng)
        rng.shuffle(edits)
        return edits


def _word_edits(text: str, start: int, stop: int, rng: random.Random) -> list[Edit]:
    edits: list[Edit] = []
    i = start
    while i < stop:
        near = NEIGHBOURS.get(text[i].lower())
        if near is None:
            i += 1
            continue
        other = rng.choice(near)
        other = other.upper() if text[i].isupper() else other
        kind = rng.choice(("replace", "swap", "drop", "double", "insert"))
        if kind == "swap" and i + 1 < stop and text[i] != text[i + 1] and text[i + 1].isalpha():
            edits.append(Edit(i, i + 2, text[i + 1] + text[i]))
            i += 2
            continue
        new = {"drop": "", "double": text[i] * 2, "insert": text[i] + other}.get(kind, other)
        edits.append(Edit(i, i + 1, new))
        i += 1
    return edits
