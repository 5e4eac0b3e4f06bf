"""How many prompts a paired difference needs, and how large a one so many prompts find; differences in points.

A claim is one of several comparisons, adjusted as Holm adjusts the smallest p-value, by a sign-flip test. Its error is
that of the sum of squares about zero, its power that about the mean:

    sqrt(n) D = z(1 - alpha / 2m) sqrt(spread^2 + D^2) + z(power) spread (1 - SKEW r^2)

where r is the share by which changes of whole verdicts would go one way more than the other, 100 D / (spread^2 + D^2).
"""

from __future__ import annotations

import math

LARGEST = 100.0
STEPS = 60
WHOLE = 100.0
SKEW = 0.16
"""Verdicts are mostly whole (MEASUREMENT 2.1), and whole ones that change almost all one way are found sooner than the
normal distribution has it; the share is that of exact enumerations. Soft verdicts of so small a spread find the
difference with about 70% (`tests/analysis/test_power.py`)."""


def prompts_needed(difference: float, spread: float, comparisons: int, power: float, alpha: float) -> int:
    """Return how many prompts find a difference with this power.

    Args:
        difference: in points, above 0.
        spread: standard deviation over prompts of the paired difference, in points.
        comparisons: tests that are made together.
        power: chance that the difference is found.
        alpha: error probability of all tests together.

    """
    from scipy.special import ndtri

    critical, beyond = float(ndtri(1 - alpha / 2 / comparisons)), float(ndtri(power))
    about_zero = math.hypot(spread, difference)
    one_way = min(1.0, WHOLE * difference / about_zero**2)
    sooner = spread * (1 - SKEW * one_way**2)
    needed = ((critical * about_zero + beyond * sooner) / difference) ** 2
    # No sign-flip test of fewer prompts can have a p-value so small.
    return max(math.ceil(needed), math.ceil(1 + math.log2(comparisons / alpha)))


def difference_found(n: int, spread: float, comparisons: int, power: float, alpha: float) -> float | None:
    """Return the difference that n prompts find with this power, in points; None where it would be beyond 100."""
    if prompts_needed(LARGEST, spread, comparisons, power, alpha) > n:
        return None
    low, high = 0.0, LARGEST
    for _ in range(STEPS):
        middle = (low + high) / 2
        if prompts_needed(middle, spread, comparisons, power, alpha) <= n:
            high = middle
        else:
            low = middle
    return high
