"""How many prompts a paired difference needs, and how large a one so many prompts find; differences in points.

A claim is one of several comparisons, adjusted as Holm adjusts the smallest p-value, and needs the t test and the sign
flips of `small_sample`. Both depend on the sum of the differences and on that of their squares alone, so that the
chance of a claim is an integral over the one of the chance that the other is large enough: no simulation is needed.
Whole verdicts change by 100 points, more of them one way than the other; soft ones change normally. What the two need
differs where so few whole verdicts change that nearly all have to change one way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alpacabench.scoring.arrays import Floats
from alpacabench.scoring.small_sample import FEW_CHANGES, MANY_ROWS, WHOLE

POINTS = 64
"""Quantiles over which is integrated: the chance is exact to 0.001."""
STEPS, FINE_STEPS = 20, 40
"""Halvings of the range of differences, to 0.0001 points, and of sums."""
MOST = 2**40
"""More prompts are not told apart from infinitely many."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What is to be found with which certainty."""

    comparisons: int
    """Tests that are made together."""
    power: float
    """Chance that the difference is found."""
    alpha: float
    """Error probability of all tests together."""

    @property
    def level(self) -> float:
        """The p-value below which a comparison is a claim."""
        return self.alpha / self.comparisons


def prompts_needed(difference: float, spread: float, claim: Claim, whole: float = 1.0) -> int:
    """Return how many prompts find a difference.

    Args:
        difference: in points, above 0.
        spread: standard deviation over prompts of the paired difference, in points; whole verdicts with this difference
            have at least sqrt(difference (100 - difference)).
        claim: how it is to be found.
        whole: share of the spread that whole verdicts make up, 0 to 1.

    """
    # No sign-flip test of fewer prompts can have a p-value so small.
    low = high = max(2, math.ceil(1 - math.log2(claim.level)))
    while high < MOST and chance_found(high, difference, spread, claim.level, whole) < claim.power:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if chance_found(middle, difference, spread, claim.level, whole) < claim.power:
            low = middle
        else:
            high = middle
    return high


def difference_found(n: int, spread: float, claim: Claim, whole: float = 1.0) -> float | None:
    """Return the difference that n prompts find, in points; None where it would be beyond 100."""
    low, high = 0.0, WHOLE
    if chance_found(n, high, spread, claim.level, whole) < claim.power:
        return None
    for _ in range(STEPS):
        middle = (low + high) / 2
        if chance_found(n, middle, spread, claim.level, whole) < claim.power:
            low = middle
        else:
            high = middle
    return high


def chance_found(n: int, difference: float, spread: float, level: float, whole: float) -> float:
    """Return the chance that n prompts show a difference in points with a p-value below the level."""
    chance = whole * _whole(n, difference, spread, level) if whole > 0 else 0.0
    return chance + (1 - whole) * _soft(n, difference, spread, level) if whole < 1 else chance


def whole_share(differences: ArrayLike) -> float:
    """Return which share of the spread of paired differences in points whole verdicts make up, 0 to 1.

    By the fourth moment: 0 where it is not above that of a normal distribution, 1 where all that changes changes by 100
    points.
    """
    squares = np.asarray(differences, dtype=np.float64) ** 2
    variance = float(np.mean(squares)) / WHOLE**2
    if variance == 0:
        return 1.0
    normal = min(1.0, 3 * variance)
    found = float(np.mean(squares**2)) / WHOLE**4 / variance
    return float(np.clip((found - normal) / (1 - normal), 0, 1)) if normal < 1 else 1.0


def _whole(n: int, difference: float, spread: float, level: float) -> float:
    from scipy.special import bdtr, bdtrc

    share = difference / WHOLE
    moved = min(1.0, max(share, (spread / WHOLE) ** 2 + share**2))
    changes = _binomial_quantiles((np.arange(POINTS) + 0.5) / POINTS, n, moved)

    def p_value(won: NDArray[np.int64]) -> Floats:
        flips = np.minimum(1.0, 2 * bdtr(changes - won, changes, 0.5))
        total, squares = (WHOLE * np.asarray(x, dtype=np.float64) for x in (2.0 * won - changes, WHOLE * changes))
        return np.asarray(np.maximum(flips, _t_p(total, squares, n)))

    low, high = changes // 2, changes + 1  # `high` wins are found, or more than there are
    for _ in range(max(1, int(changes.max())).bit_length()):
        middle = (low + high) // 2
        found = (middle > low) & (p_value(np.minimum(middle, changes)) < level) & (middle <= changes)
        low, high = np.where(found, low, middle), np.where(found, middle, high)
    won = bdtrc(high - 1, np.maximum(changes, 1), (moved + share) / 2 / moved)
    return float(np.mean(np.where(high <= changes, won, 0.0)))


def _binomial_quantiles(shares: Floats, n: int, p: float) -> NDArray[np.int64]:
    """Return the least numbers of successes with at least these shares below or at them.

    They are those of `scipy.stats.binom.ppf`, beyond a million trials to one success; to import it would take longer
    than all of a plan's sentence.
    """
    from scipy.special import bdtr, bdtrik

    if p in (0.0, 1.0):
        return np.full(len(shares), round(p * n))
    found = np.ceil(bdtrik(shares, n, p))
    below = np.maximum(found - 1, 0)
    return np.asarray(np.where(bdtr(below, n, p) >= shares, below, found), dtype=np.int64)


def _soft(n: int, difference: float, spread: float, level: float) -> float:
    from scipy.special import chdtri, ndtr

    about_mean = spread**2 * chdtri(n - 1, (np.arange(POINTS) + 0.5) / POINTS)

    def p_value(total: Floats) -> Floats:
        about_zero = about_mean + total**2 / n
        return np.asarray(np.maximum(2 * ndtr(-total / np.sqrt(about_zero)), _t_p(total, about_zero, n)))

    low, high = np.zeros(POINTS), np.full(POINTS, WHOLE * n)
    for _ in range(FINE_STEPS):
        middle = (low + high) / 2
        found = p_value(middle) < level
        low, high = np.where(found, low, middle), np.where(found, middle, high)
    return float(np.mean(ndtr((n * difference - high) / (math.sqrt(n) * spread))))


def _t_p(total: Floats, squares: Floats, n: int) -> Floats:
    """Return the two-sided p-value of `small_sample.mean_of` from the sums of n differences and of their squares."""
    from scipy.special import ndtr, stdtr

    few = (squares - total**2 / n) / WHOLE**2 < FEW_CHANGES
    rows = np.where(few, n + 2, n)
    variance = (squares + 2 * WHOLE**2 * few - total**2 / rows) / (rows - 1)
    ratio = np.abs(total) / np.sqrt(np.maximum(rows * variance, np.finfo(float).tiny))
    return np.asarray(2 * np.where(few | (rows < MANY_ROWS), stdtr(rows - 1, -ratio), ndtr(-ratio)))
