"""What counts as established: the levels and rules by which every analysis decides, and that reports only tell."""

from __future__ import annotations

from collections.abc import Sequence
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
FEW_PROMPTS = 30
"""Prompts below which nothing is said of what a run would find."""
FEW_CHANGES = 6.0
"""Changed prompts below which nothing is said of the difference that a comparison finds: with 5 of 32 prompts changed
the sign flips find one of the size that its spread promises with 60% power, with 6 with 80%."""


def differs(p_value: float | None) -> bool:
    """Return whether a difference is established; an unknown p-value establishes nothing."""
    return finite(p_value) and p_value < ALPHA


def claim_p(delta: Delta) -> float:
    """Return the p-value that a claim of a difference rests on: the exact sign flips have to support it, too."""
    return max(delta.p_value, delta.p_sign_flip)


def detectable(delta: Delta) -> float | None:
    """Return the difference in points that a pair finds with 80% power; None where too few prompts changed to tell."""
    return delta.mde_80 if delta.n_changes >= FEW_CHANGES and not delta.saturated and delta.mde_80 < 100 else None


def level(win_rate: float) -> str:
    """Return what every verdict is, where all are the same."""
    return "a loss" if win_rate < 25 else "a win" if win_rate > 75 else "a draw"


def side(estimate: Estimate, centre: float = 0.0) -> int:
    """Return 1 where the whole 95% interval lies above the centre, -1 where below, 0 where neither is established."""
    low, high = estimate.interval or (centre, centre)
    return 1 if low > centre else -1 if high < centre else 0


def preferred(rate: Estimate, scores: Sequence[float]) -> int:
    """Return 1 where a win rate is shown to lie above 50%, -1 below, 0 where neither.

    Args:
        rate: the win rate in percent.
        scores: of each prompt, in percent; an interval of few of them lies beyond 50% too often, so that the exact
            sign flips about 50% have to agree.

    """
    from alpacabench.scoring.small_sample import sign_flip_p

    found = side(rate, EVEN)
    return found if found and differs(sign_flip_p([2 * (score - EVEN) for score in scores])) else 0
