"""How far people agree with each other, before anybody asks how far a judge agrees with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from alpacabench.analysis.estimate import Estimate
from alpacabench.analysis.trust import agreement
from alpacabench.scoring.arrays import Floats


@dataclass(frozen=True, slots=True)
class Between:
    """How far two people agree, over the pairs that both decided or called a tie."""

    n: int
    share: Estimate | None
    """Per cent of pairs with the same side."""
    kappa: Estimate | None
    """None where it is not defined: one side only."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far all people agree."""

    alpha: Estimate | None
    """Krippendorff's alpha; None with fewer than two people, or where nothing can differ."""
    between: Mapping[tuple[str, str], Between] = field(default_factory=dict)


def among(labels: Mapping[str, Floats]) -> Agreement:
    """Return the agreement among people.

    Args:
        labels: preferences in [1, 2] by person, over the same pairs, NaN where there is none.

    """
    if len(labels) < 2:
        return Agreement(None)
    found = {}
    for one, two in combinations(sorted(labels), 2):
        a, b = labels[one], labels[two]
        n = int(np.sum(~np.isnan(a + b)))
        found[one, two] = Between(n, agreement.agreement_share(a, b), agreement.kappa(a, b))
    return Agreement(agreement.alpha(np.stack(list(labels.values()))), found)
