"""Instructions with something missing."""

from __future__ import annotations

import random
import re
from typing import ClassVar, Literal

from alpacabench.core.spans import WORD, free, head_end
from alpacabench.perturbation.base import Edit, Kind, SiteFamily
from alpacabench.perturbation.validity.lexicon import FUNCTION_WORDS

_WORD_AND_GAP = re.compile(r"\s*" + WORD.pattern + r"[.,;:!?]*(?=\s|\Z)")


class Incomplete(SiteFamily):
    """The last words cut off, content words masked (strength is the share of them), or the whole input dropped.

    `input` is the one edit of all families that removes a protected span; it makes every item incomplete that has an
    input.
    """

    kind: ClassVar[Kind] = "task_changing"
    expectation: ClassVar[str] = "A good answer asks for what is missing, or says what it assumes; it invents nothing."

    mode: Literal["tail", "mask", "input"] = "tail"

    def sites(self, text: str, rng: random.Random) -> list[Edit]:
        """Return one edit per word that can go; the first word always stays."""
        if self.mode == "input":
            end = head_end(text)
            return [Edit(end, len(text), "")] if text[:end].strip() and text[end:].strip() else []
        if self.mode == "tail":
            words = [m for m in free(text, _WORD_AND_GAP) if text[: m.start()].strip()]
            return [Edit(*word.span(), "") for word in reversed(words)]
        content = [m for m in free(text, WORD) if m.start() > 0 and m.group().lower() not in FUNCTION_WORDS]
        edits = [Edit(*word.span(), "___") for word in content]
        rng.shuffle(edits)
        return edits
