"""Letters that look alike to a reader and are other code points to a tokenizer."""

from __future__ import annotations

import random
import re
from typing import ClassVar, Literal

from alpacabench.core.spans import free
from alpacabench.perturbation.base import Edit, Kind, SiteFamily
from alpacabench.perturbation.validity.lexicon import HOMOGLYPHS

_ACUTE = "\u0301"
_FULLWIDTH = ord("Ａ") - ord("A")
_LETTER = re.compile(r"[A-Za-z]")


class Unicode(SiteFamily):
    """Homoglyphs, acute accents on vowels, or fullwidth letters; strength is the share of the letters hit."""

    kind: ClassVar[Kind] = "noise"

    mode: Literal["homoglyph", "diacritics", "fullwidth"] = "homoglyph"

    def sites(self, text: str, rng: random.Random) -> list[Edit]:
        """Return one edit per letter that has a look-alike, in random order."""
        edits = [Edit(*match.span(), self._lookalike(match.group())) for match in free(text, _LETTER)]
        edits = [edit for edit in edits if edit.new != text[edit.start]]
        rng.shuffle(edits)
        return edits

    def _lookalike(self, letter: str) -> str:
        if self.mode == "homoglyph":
            return HOMOGLYPHS.get(letter, letter)
        if self.mode == "fullwidth":
            return chr(ord(letter) + _FULLWIDTH)
        return letter + _ACUTE if letter in "aeiouAEIOU" else letter
