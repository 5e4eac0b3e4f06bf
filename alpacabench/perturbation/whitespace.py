"""White space that a reader does not notice, and a tokenizer does."""

from __future__ import annotations

import random
import re
from typing import ClassVar, Literal

from alpacabench.core.spans import free, head_end
from alpacabench.perturbation.base import Edit, Kind, SiteFamily

_GAP = re.compile(r"(?<=\S) (?=\S)")
_LINE_END = re.compile(r"(?<!\r)\n")
_NEW = {"double": "  ", "tab": "\t", "newline": "\n", "nbsp": "\u00a0", "zero_width": " \u200b", "crlf": "\r\n"}


class Whitespace(SiteFamily):
    """Other white space between words, at line ends or around the task; strength is the share of the gaps hit."""

    kind: ClassVar[Kind] = "meaning_preserving"

    mode: Literal["double", "tab", "newline", "nbsp", "zero_width", "crlf", "edges"] = "double"

    def sites(self, text: str, rng: random.Random) -> list[Edit]:
        """Return one edit per gap, in random order."""
        if self.mode == "edges":
            end = head_end(text)
            edits = [Edit(0, 0, "\n"), Edit(end, end, "\n")]
        else:
            gaps = free(text, _LINE_END if self.mode == "crlf" else _GAP)
            edits = [Edit(*gap.span(), _NEW[self.mode]) for gap in gaps]
        rng.shuffle(edits)
        return edits
