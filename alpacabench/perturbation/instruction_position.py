"""Where the task stands relative to its input."""

from __future__ import annotations

import random
from typing import ClassVar, Literal

from alpacabench.core.spans import head_end
from alpacabench.perturbation.base import Edit, Kind, SiteFamily


class InstructionPosition(SiteFamily):
    """The task after its input, or said again at the end; strength is the share of the items changed.

    Task and input are split at the first blank line; a prompt without one has no input, and `after` leaves it as it is.
    """

    kind: ClassVar[Kind] = "meaning_preserving"
    dose: ClassVar[Literal["sites", "items"]] = "items"

    mode: Literal["after", "duplicate"] = "after"

    def sites(self, text: str, rng: random.Random) -> list[Edit]:
        """Return the edits that move or repeat the task."""
        end = head_end(text)
        task, given = text[:end], text[end:]
        if not task.strip():
            return []
        again = Edit(len(text), len(text), "\n\n" + task)
        if self.mode == "duplicate":
            return [again]
        start = end + len(given) - len(given.lstrip())
        return [Edit(0, start, ""), again] if given.strip() else []
