"""The normal distribution, without numpy: a published row's interval must not need it."""

from __future__ import annotations

import math

Z_95 = 1.959963984540054
Z_90 = 1.6448536269514722
"""Standard errors on either side of the mean that a 95% and a 90% interval span."""


def normal_cdf(z: float) -> float:
    """Return the standard normal distribution function."""
    return 0.5 * math.erfc(-z / math.sqrt(2))


def two_sided_p(estimate: float, error: float) -> float:
    """Return the two-sided normal p-value; without spread, 1 for no difference and 0 for any."""
    if error == 0:
        return 1.0 if estimate == 0 else 0.0
    return math.erfc(abs(estimate) / error / math.sqrt(2))
