"""Punctuation: removed, exclaimed, typographic."""

from __future__ import annotations

import random
import re
from typing import ClassVar, Literal

from alpacabench.core.spans import free, head_end
from alpacabench.perturbation.base import Edit, Kind, SiteFamily

_FINAL = re.compile(r"[.!?]+(?=\s|\Z)")
_ANY = re.compile(r"[.,;:!?]+(?=\s|\Z)")
_TYPED = re.compile(r"(?<=\w)'(?=\w)|\.\.\.|--|(?<= )-(?= )")
_TYPESET = {"'": "’", "...": "…", "--": "—", "-": "–"}


class Punctuation(SiteFamily):
    """Final marks stripped, all marks stripped, "!!!" added, or typographic marks; strength is the share of marks."""

    kind: ClassVar[Kind] = "meaning_preserving"

    mode: Literal["strip_final", "strip", "exclaim", "smart"] = "strip_final"

    def sites(self, text: str, rng: random.Random) -> list[Edit]:
        """Return one edit per mark, in random order."""
        if self.mode == "exclaim":
            edits = [Edit(*m.span(), m.group().replace(".", "") + "!!!") for m in free(text, _FINAL)]
            end = len(text[: head_end(text)].rstrip())
            if end and text[end - 1].isalnum():
                edits.append(Edit(end, end, "!!!"))
        elif self.mode == "smart":
            edits = [Edit(*m.span(), _TYPESET[m.group()]) for m in free(text, _TYPED)]
        else:
            edits = [Edit(*m.span(), "") for m in free(text, _FINAL if self.mode == "strip_final" else _ANY)]
        rng.shuffle(edits)
        return edits
