"""One engine for the mean of paired differences: intervals, p-values and power, also where prompts or flips are few.

A t interval believes in too small an error where few prompts changed: with no change at all it has none. So where
prompts or changes are few, one prompt won and one prompt lost are added before the error is taken, as Agresti and Caffo
(2000, The American Statistician 54) add them for two proportions, with t quantiles; a claim needs the exact sign-flip
test as well. With many of both this is the normal interval of the plain mean. Differences are in percentage points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from alpacabench.scoring.arrays import Floats, standard_error

FEW_CHANGES = 20.0
"""Below, the central limit theorem is not to be trusted. At 20 whole verdicts turned the two added prompts widen an
interval by 5%, so that little jumps where they are left out."""
MANY_ROWS = 200
"""From here on t quantiles are the normal ones to 1%."""
WHOLE = 100.0
"""Points that one prompt can move by: a verdict that turns from lost to won."""
FLIPS = 9_999
"""Random sign patterns: the smallest p-value that they give is 1 / 10,000."""
EXACT_BELOW = 14
"""Differences of which all sign patterns are listed."""
SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Mean:
    """What is known of a mean: its place, its error and the distribution of the ratio of the two; in points."""

    centre: float
    error: float
    freedom: float
    """Degrees of freedom of the t distribution; infinite is the normal one."""

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the two-sided interval of the level."""
        half = self.quantile((1 + level) / 2) * self.error
        return self.centre - half, self.centre + half

    def chance_above(self, bound: float) -> float:
        """Return the probability that the mean is above a bound, a flat prior given; one less it is a one-sided p."""
        if self.error == 0:
            return float(self.centre > bound)
        return self.cdf((self.centre - bound) / self.error)

    def two_sided_p(self, of: float = 0.0) -> float:
        """Return the p-value that the mean is `of`; without spread, 1 for no difference and 0 for any."""
        if self.error == 0:
            return 1.0 if self.centre == of else 0.0
        return min(1.0, 2 * self.cdf(-abs(self.centre - of) / self.error))

    def detectable(self, power: float = 0.8, alpha: float = 0.05) -> float:
        """Return the difference that a two-sided test at alpha finds with this power."""
        return (self.quantile(1 - alpha / 2) + self.quantile(power)) * self.error

    def quantile(self, share: float) -> float:
        """Return the quantile of the ratio's distribution."""
        from scipy.special import ndtri, stdtrit

        return float(ndtri(share) if math.isinf(self.freedom) else stdtrit(self.freedom, share))

    def cdf(self, ratio: float) -> float:
        """Return the distribution function of the ratio."""
        from scipy.special import ndtr, stdtr

        return float(ndtr(ratio) if math.isinf(self.freedom) else stdtr(self.freedom, ratio))


def mean_of(differences: ArrayLike, reach: float = WHOLE) -> Mean:
    """Return what is known of the mean of differences, shape (prompts,), two or more.

    Args:
        differences: in points, between -reach and reach.
        reach: the most that one prompt can differ by.

    """
    d = np.asarray(differences, dtype=np.float64)
    few = whole_changes(d, reach) < FEW_CHANGES
    if few:
        d = np.concatenate([d, [reach, -reach]])
    freedom = float(len(d) - 1) if few or len(d) < MANY_ROWS else math.inf
    return Mean(float(np.mean(d)), standard_error(d), freedom)


def whole_changes(differences: ArrayLike, reach: float = WHOLE) -> float:
    """Return how many whole verdicts turned would make up the spread: the sum of squares about the mean / reach^2.

    The number of flips where few of many prompts flip, and 0 where all differ alike, also where a soft judge's noise
    hides that no verdict turned.
    """
    d = np.asarray(differences, dtype=np.float64)
    return float(np.sum((d - np.mean(d)) ** 2)) / reach**2


def n_changes(differences: ArrayLike) -> float:
    """Return how many differences make up the spread: (sum of squares)^2 / sum of fourth powers, about the mean.

    The number of flips where few of many prompts flip, a third of the prompts where differences are normal, 0 where all
    are alike.
    """
    d = np.asarray(differences, dtype=np.float64)
    squares = (d - np.mean(d)) ** 2
    fourth = float(np.sum(squares**2))
    return float(np.sum(squares)) ** 2 / fourth if fourth > SAME else 0.0


def sign_flip_p(differences: ArrayLike, seed: int = 0, draws: int = FLIPS) -> float:
    """Return the two-sided p-value of no change from the signs alone: valid for every number of prompts.

    Without a change each difference is as likely to be of the other sign. Exact where all changes are of one size (it
    is McNemar's test then) or few; else from random signs, or from the bound 2 exp(-u^2 / 2) of Hoeffding (1963), which
    holds for every sample, where that is smaller.
    """
    return _tail(differences, two_sided=True, seed=seed, draws=draws)


def sign_flip_p_below(differences: ArrayLike, seed: int = 0, draws: int = FLIPS) -> float:
    """Return the one-sided p-value of no loss from the signs alone; see `sign_flip_p`."""
    return _tail(differences, two_sided=False, seed=seed, draws=draws)


def _tail(differences: ArrayLike, two_sided: bool, seed: int, draws: int) -> float:
    d = np.sort(np.asarray(differences, dtype=np.float64))
    d = d[np.abs(d) > SAME]
    if not len(d):
        return 1.0
    observed, sizes = float(d.sum()), np.abs(d)
    tolerance = SAME * float(sizes.sum())

    def share(sums: Floats) -> tuple[int, int]:
        low = sums <= observed + tolerance
        return int(np.sum((np.abs(sums) >= abs(observed) - tolerance) if two_sided else low)), len(sums)

    if np.ptp(sizes) <= SAME * sizes[0]:
        return _binomial(int(np.sum(d < 0)), len(d), two_sided)
    if len(d) <= EXACT_BELOW:
        count, patterns = share(_all_sums(sizes))
        return count / patterns
    signs = np.random.default_rng(seed).integers(0, 2, size=(draws, len(d)), dtype=np.int8).astype(np.float32)
    count, patterns = share(2 * (signs @ sizes.astype(np.float32)).astype(np.float64) - sizes.sum())
    u2 = observed**2 / float(sizes @ sizes)
    bound = 2 * math.exp(-u2 / 2) if two_sided else math.exp(-u2 / 2) if observed < 0 else 1.0
    return min((1 + count) / (1 + patterns), bound)


def _all_sums(sizes: Floats) -> Floats:
    sums = np.zeros(1)
    for size in sizes:
        sums = np.concatenate([sums + size, sums - size])
    return sums


def _binomial(lost: int, changes: int, two_sided: bool) -> float:
    from scipy.special import bdtr

    if two_sided:
        return float(min(1.0, 2 * bdtr(min(lost, changes - lost), changes, 0.5)))
    return float(bdtr(changes - lost, changes, 0.5))
