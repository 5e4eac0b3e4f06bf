"""No perturbation: the base that every variant is compared with."""

from __future__ import annotations

import random
from typing import ClassVar

from alpacabench.core.component import Component
from alpacabench.perturbation.base import Edit, Kind, SiteFamily


class NoPerturbation(SiteFamily):
    """Leaves every prompt as it is, whatever strength, seed, writer and checker say."""

    kind: ClassVar[Kind] = "meaning_preserving"

    writer: Component | None = None
    checker: Component | None = None

    def sites(self, text: str, rng: random.Random) -> list[Edit]:
        """Return no edits."""
        return []
