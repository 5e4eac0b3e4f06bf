"""A paired difference that is looked at while prompts still arrive: evidence that holds however often one looks.

A gambler starts with a capital of 1 and bets, prompt by prompt, that the difference lies below a bound. Where the mean
difference does not lie below it, the capital ever reaches 1/alpha with a probability of at most alpha (Ville 1939).
Source: Waudby-Smith and Ramdas 2024, Estimating means of bounded random variables by betting, JRSS-B 86(1); the bets
are a uniform mixture, so that none has to be tuned.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from alpacabench.scoring.arrays import Floats

BETS = 20
"""Sizes of bets, evenly spread between nothing and all that the capital survives."""
STEPS = 30
"""Halvings of the interval in which a bound is looked for."""


def log_evidence(differences: ArrayLike, bound: float = 0.0) -> float:
    """Return the log of the capital that speaks for a mean difference below `bound`.

    Args:
        differences: in [-1, 1], of prompts in random order.
        bound: in (-1, 1).

    """
    loss: Floats = (1 - np.asarray(differences, float)) / 2
    null = (1 - bound) / 2
    bets = np.arange(1, BETS + 1) / (BETS + 1) / null
    log_capital = np.log1p(np.outer(bets, loss - null)).sum(axis=1)
    return float(np.logaddexp.reduce(log_capital) - math.log(BETS))


def upper_bound(differences: ArrayLike, alpha: float) -> float:
    """Return the upper end of a confidence sequence; that it is ever below the mean has a probability of at most alpha.

    Args:
        differences: in [-1, 1], of prompts in random order.
        alpha: error probability, over all times together.

    """
    low, high = -1.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        if log_evidence(differences, middle) >= -math.log(alpha):
            high = middle
        else:
            low = middle
    return high
