"""The noise floor: what decoding the unchanged prompts again does, and what a variant does beyond it."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from alpacabench.analysis.estimate import Estimate
from alpacabench.scoring.arrays import Floats

WIN = 0.5
"""An outcome above it is a win; a flip is a change of the winner."""


def mean_estimate(values: Floats, reach: float = 1.0) -> Estimate:
    """Return the mean of per-prompt differences, none beyond reach, with its 95% interval, in percentage points."""
    return Estimate.of_differences(values * 100, reach * 100)


def floor_flips(decodes: Floats) -> Floats:
    """Return, for each prompt, the share of pairs of decodes that differ in the winner; shape (prompts,)."""
    wins = decodes > WIN
    return np.asarray(np.mean([wins[a] != wins[b] for a, b in combinations(range(len(wins)), 2)], axis=0))


def floor_shift(decodes: Floats) -> float:
    """Return the mean distance between the win rates of two decodes, in points."""
    rates = decodes.mean(axis=1) * 100
    return float(np.mean([abs(rates[a] - rates[b]) for a, b in combinations(range(len(rates)), 2)]))


def excess_flips(decodes: Floats, variant: Floats) -> Floats:
    """Return, for each prompt, whether the variant flips the base's winner, less the floor; shape (prompts,)."""
    return np.asarray(((variant > WIN) != (decodes[0] > WIN)) - floor_flips(decodes))


def exchangeable_p(decodes: Floats, variant: Floats) -> float:
    """Return the exact one-sided p-value that a variant is no more than one decode among the others.

    If it is, then on each prompt any of the m runs (decodes and variant) is as likely to be the variant. The statistic
    counts, over prompts, the decodes that disagree with the variant: on a prompt where w of m runs win it is m - w with
    chance w/m, and w with chance 1 - w/m. The prompts are independent, so its distribution is their convolution.
    """
    runs = np.vstack([decodes, variant]) > WIN
    m, wins = len(runs), runs.sum(axis=0)
    observed = int(np.sum(runs[:-1] != runs[-1]))
    certain = 0
    chance = np.ones(1)
    for w, prompts in zip(*np.unique(wins, return_counts=True), strict=True):
        low, high = sorted((int(w), m - int(w)))
        certain += low * int(prompts)
        if 0 < low < high:
            # The larger value, `high`, where the variant is of the minority of `low` runs.
            chance = np.convolve(chance, _steps(int(prompts), low / m, high - low))
    return float(min(1.0, chance[max(0, observed - certain) :].sum()))


def _steps(n: int, p: float, size: int) -> Floats:
    """Return the distribution of `size` times a binomial count."""
    from scipy.stats import binom

    spread = np.zeros(n * size + 1)
    spread[::size] = binom.pmf(np.arange(n + 1), n, p)
    return spread
