"""What counts as established: the levels and rules by which every analysis decides, and that reports only tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alpacabench.analysis.estimate import Estimate, finite

if TYPE_CHECKING:
    from alpacabench.scoring.paired import Delta

ALPHA = 0.05
"""Error probability of a claim that two results differ; the p-values are adjusted for all tests made together."""
POWER = 0.8
"""Chance with which the smallest detectable difference is found."""
MARGIN = 2.0
"""Points within which a win rate counts as unchanged."""
EVEN = 50.0
"""The win rate in percent at which model and reference are equally good."""
HALF_POWER = 0.70
"""What a comparison finds with 50% power, of what it finds with 80%: z(0.975) / (z(0.975) + z(0.80))."""
BEYOND_CHANCE = 2.0
"""Standard errors from which on a gap between the two slots is called one."""


def differs(p_value: float | None) -> bool:
    """Return whether a difference is established; an unknown p-value establishes nothing."""
    return finite(p_value) and p_value < ALPHA


def claim_p(delta: Delta) -> float:
    """Return the p-value that a claim of a difference rests on: the exact sign flips have to support it, too."""
    return max(delta.p_value, delta.p_sign_flip)


def side(estimate: Estimate, centre: float = 0.0) -> int:
    """Return 1 where the whole 95% interval lies above the centre, -1 where below, 0 where neither is established."""
    low, high = estimate.interval or (centre, centre)
    return 1 if low > centre else -1 if high < centre else 0
