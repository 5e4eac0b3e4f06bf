"""Verdicts that show nothing of a difference: all the same, or mostly neither won nor lost."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

CLEAR = 0.05
"""Distance from 0 or 1 within which a verdict is a plain loss or win, also of a soft judge."""
DRAWN = 0.01
"""Distance from one half within which it is a plain draw."""
UNDECIDED = 0.05
"""Distance from one half below which the judge is undecided."""
MOSTLY = 50.0
"""Percent of the verdicts on which a judge may be undecided before they say more of it than of the model."""


def saturated(y: ArrayLike) -> bool:
    """Return whether all of y in [0, 1] are losses, all draws or all wins; NaN is left out."""
    known = _known(y)
    levels = ((0.0, CLEAR), (0.5, DRAWN), (1.0, CLEAR))
    return bool(len(known)) and any(bool(np.all(np.abs(known - level) <= near)) for level, near in levels)


def undecided_share(y: ArrayLike) -> float:
    """Return the share of the verdicts on which the judge is undecided, in percent; NaN is left out."""
    known = _known(y)
    return 100 * float(np.mean(np.abs(known - 0.5) < UNDECIDED)) if len(known) else 0.0


def _known(y: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(y, dtype=np.float64)
    return np.asarray(values[~np.isnan(values)])
