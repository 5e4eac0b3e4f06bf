"""Upper and lower case."""

from __future__ import annotations

import random
from typing import ClassVar, Literal

from alpacabench.core.spans import WORD, free, is_name
from alpacabench.perturbation.base import Edit, Kind, SiteFamily


class Casing(SiteFamily):
    """Lower, UPPER, Title or sPoNgE case; strength is the share of words hit. Names keep their case."""

    kind: ClassVar[Kind] = "meaning_preserving"

    mode: Literal["lower", "upper", "title", "sponge"] = "lower"

    def sites(self, text: str, rng: random.Random) -> list[Edit]:
        """Return one edit per word whose case changes, in random order."""
        words = [word for word in free(text, WORD) if not is_name(text, word)]
        edits = [Edit(*word.span(), self._recase(word.group())) for word in words]
        edits = [edit for edit in edits if text[edit.start : edit.stop] != edit.new]
        rng.shuffle(edits)
        return edits

    def _recase(self, word: str) -> str:
        if self.mode == "lower":
            return word.lower()
        if self.mode == "upper":
            return word.upper()
        if self.mode == "title":
            return word[0].upper() + word[1:]
        return "".join(c.upper() if i % 2 else c.lower() for i, c in enumerate(word))
