"""Typing mistakes on a QWERTY keyboard."""

from __future__ import annotations

import math
import random
import re
from typing import ClassVar

from pydantic import Field

from alpacabench.core.spans import WORD, free, is_name
from alpacabench.perturbation.base import Edit, Edited, Kind, Perturbation, edited
from alpacabench.perturbation.validity.tokens import is_common

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


class Typos(Perturbation):
    """Neighbouring keys, swapped, dropped, doubled and inserted letters; strength is the share of letters hit.

    Only words of `min_length` letters and more are hit, never their first letter, no two letters in a row; no names
    and no contractions, because a typo there may say something else.
    """

    kind: ClassVar[Kind] = "noise"

    min_length: int = Field(4, ge=2)

    def rewrite(self, text: str, strength: float, seed: int, item_id: str) -> Edited:
        """Hit the share of letters, at least one, and at most about half of them."""
        rng = self.rng(seed, item_id)
        words = [w for w in free(text, WORD) if self._hit(text, w)]
        drawn = [_word_edits(text, word.start() + 1, word.end(), rng) for word in words]
        # A word's second typo comes after every word's first: people rarely mistype a word twice.
        order = [(rank, rng.random(), edit) for edits in drawn for rank, edit in enumerate(edits)]
        edits = [edit for _, _, edit in sorted(order)]
        letters = sum(len(word.group()) for word in words)
        return edited(text, edits[: math.ceil(strength * letters)])

    def _hit(self, text: str, word: re.Match[str]) -> bool:
        return len(word.group()) >= self.min_length and word.group().isalpha() and not is_name(text, word)


def _word_edits(text: str, start: int, stop: int, rng: random.Random) -> list[Edit]:
    """Return typos at every second letter: neighbours would undo each other, and the edit ratio could fall."""
    edits: list[Edit] = []
    i = start + rng.randrange(2) * (stop - start > 1)
    while i < stop:
        near = NEIGHBOURS.get(text[i].lower(), "")
        new = [key for key in near if key not in text[start - 1 : stop].lower()]
        if not new:
            i += 1
            continue
        other = rng.choice(new)
        other = other.upper() if text[i].isupper() else other
        kind = rng.choice(("replace", "swap", "drop", "double", "insert"))
        if kind == "swap" and i + 1 < stop and text[i] != text[i + 1] and text[i + 1].isalpha():
            edits.append(Edit(i, i + 2, text[i + 1] + text[i]))
            i += 3
            continue
        made = {"drop": "", "double": text[i] * 2, "insert": text[i] + other}.get(kind, other)
        edits.append(Edit(i, i + 1, made))
        i += 2
    rng.shuffle(edits)
    # A typo that makes another word may ask for something else.
    return [e for e in edits if not is_common((text[start - 1 : e.start] + e.new + text[e.stop : stop]).lower())]
