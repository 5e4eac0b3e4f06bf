"""Verdicts that are all the same show nothing of a difference: whatever changed, they could not have moved."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

CLEAR = 0.01
"""Distance from 0, one half or 1 within which a verdict is a plain loss, draw or win."""


def saturated(y: ArrayLike) -> bool:
    """Return whether all of y in [0, 1] are losses, all draws or all wins; NaN is left out."""
    known = np.asarray(y, dtype=np.float64)
    known = known[~np.isnan(known)]
    return bool(len(known)) and any(bool(np.all(np.abs(known - level) <= CLEAR)) for level in (0.0, 0.5, 1.0))
