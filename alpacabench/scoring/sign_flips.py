"""Many runs on the same prompts at once: studentised max-T tests by sign flips, for each pair of runs.

Under no difference between two runs the sign of each prompt's difference is chance. One sign per prompt is drawn for
all pairs together, which keeps the correlation between them, and the largest ratio of sum and spread over all pairs is
what each pair has to exceed (step-down: Romano and Wolf 2005, Econometrica 73). Signs leave the sum of squares as it
is, so that |sum| / sqrt(sum of squares) orders the samples as the t ratio does. Runs are rows of values, shape
(runs, prompts), in points: outcomes, or an estimate with the influence of each prompt on it.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alpacabench.core.errors import DataError
from alpacabench.scoring.arrays import Floats
from alpacabench.scoring.small_sample import mean_of

DRAWS = 9_999
EXACT_BELOW = 12
"""Prompts of which all sign patterns are listed."""
SKEWED_BELOW = 50
"""Prompts below which differences to one run may be too skewed for joint signs: the best run was then left out of its
set in 8.5% of simulations, and each pair's own test, adjusted as if all were independent, has to agree."""
CHUNK = 2_000
SAME = 1e-9


def compare_with(values: ArrayLike, base: int, draws: int = DRAWS, seed: int = 0, skewed: bool = False) -> Floats:
    """Return the joint two-sided p-value of each run that it differs from the base, shape (runs,); 1 for the base.

    Args:
        values: see above.
        base: row of the run that the others are compared with.
        draws: patterns of signs, where not all are listed.
        seed: of the patterns.
        skewed: whether differences may be skewed although nothing differs, as those between means of one and of several
            replicates are; signs alone then find too much, and the t test of each pair has to agree.

    """
    y = _runs(values)
    others = np.array([run for run in range(len(y)) if run != base], dtype=np.intp)
    adjusted = np.ones(len(y))
    if len(others):
        few = y.shape[1] < SKEWED_BELOW
        adjusted[others] = _step_down(y, others, np.full_like(others, base), draws, seed, skewed, few)
    return adjusted


def compare_all(values: ArrayLike, draws: int = DRAWS, seed: int = 0, skewed: bool = False) -> Floats:
    """Return the joint two-sided p-value of each pair of runs, all pairs tested together, shape (runs, runs).

    See `compare_with` for the arguments.
    """
    y = _runs(values)
    table = np.ones((len(y), len(y)))
    if len(y) > 1:
        pairs = np.array(list(combinations(range(len(y)), 2)), dtype=np.intp)
        p = _step_down(y, pairs[:, 0], pairs[:, 1], draws, seed, skewed)
        table[pairs[:, 0], pairs[:, 1]] = table[pairs[:, 1], pairs[:, 0]] = p
    return table


def best_p(values: ArrayLike, draws: int = DRAWS, seed: int = 0, skewed: bool = False) -> Floats:
    """Return the p-value of each run that none is better, shape (runs,).

    One-sided against all others together: the runs with a p-value above 5% hold the truly best one with a probability
    of at least 95%. The run with the highest mean has 1. See `compare_with` for the arguments.
    """
    y = _runs(values)
    sums, signed = y.sum(axis=1), _signed_sums(y, draws, seed)
    found = np.ones(len(y))
    for run in range(len(y)):
        norms = _norms(y, np.arange(len(y)), np.full(len(y), run))
        ahead = float(np.max((sums - sums[run]) / norms))
        if ahead > SAME:
            ratios = (signed - signed[:, [run]]) / norms
            p = _share(np.max(ratios, axis=1) >= ahead - SAME, y.shape[1])
            if y.shape[1] < SKEWED_BELOW:
                own = _share(ratios[:, int(np.argmax((sums - sums[run]) / norms))] >= ahead - SAME, y.shape[1])
                p = max(p, 1 - (1 - own) ** (len(y) - 1))
            p = min(p, (len(y) - 1) * float(np.exp(-(ahead**2) / 2)))
            found[run] = max(p, _best_by_t(y, run)) if skewed else p
    return found


def _step_down(
    y: Floats, one: NDArray[np.intp], other: NDArray[np.intp], draws: int, seed: int,
    skewed: bool, alone: bool = False,
) -> Floats:  # fmt: skip
    sums, signed = y.sum(axis=1), _signed_sums(y, draws, seed)
    norms = _norms(y, one, other)
    observed = np.abs(sums[one] - sums[other]) / norms
    order = np.argsort(-observed, kind="stable")
    by_chance = np.abs(signed[:, one[order]] - signed[:, other[order]]) / norms[order]
    largest_left = np.maximum.accumulate(by_chance[:, ::-1], axis=1)[:, ::-1]
    exceeded = largest_left >= observed[order] - SAME
    p = np.array([_share(column, y.shape[1]) for column in exceeded.T])
    # Hoeffding's bound holds for every sample, and reaches further than random signs do.
    left = np.arange(len(order), 0, -1)
    if alone:
        own = np.array([_share(column, y.shape[1]) for column in (by_chance >= observed[order] - SAME).T])
        p = np.maximum(p, 1 - (1 - own) ** left)
    p = np.minimum(p, left * 2 * np.exp(-(observed[order] ** 2) / 2))
    if skewed:
        by_t = np.array([mean_of(y[a] - y[b]).two_sided_p() for a, b in zip(one[order], other[order], strict=True)])
        p = np.maximum(p, 1 - (1 - by_t) ** left)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p))
    return np.where(observed <= SAME, 1.0, adjusted)


def _best_by_t(y: Floats, run: int) -> float:
    """Return the p-value that no run is better than this one, from the t test of each, adjusted for all of them."""
    ahead = [1 - mean_of(other - y[run]).chance_above(0) for row, other in enumerate(y) if row != run]
    return min(1.0, (len(y) - 1) * min(ahead))


def _signed_sums(y: Floats, draws: int, seed: int) -> Floats:
    """Return the sum over prompts under each pattern of signs, shape (patterns, runs)."""
    n = y.shape[1]
    if n <= EXACT_BELOW:
        bits = np.arange(1 << n)[:, None] >> np.arange(n)
        return np.asarray((1.0 - 2.0 * (bits & 1)) @ y.T)
    rng, total = np.random.default_rng(seed), y.sum(axis=1)
    sizes = [min(CHUNK, draws - start) for start in range(0, draws, CHUNK)]
    chosen = [rng.integers(0, 2, size=(size, n), dtype=np.int8).astype(np.float64) @ y.T for size in sizes]
    return np.asarray(2 * np.concatenate(chosen) - total)


def _norms(y: Floats, one: NDArray[np.intp], other: NDArray[np.intp]) -> Floats:
    squares = np.array([float(np.sum((y[a] - y[b]) ** 2)) for a, b in zip(one, other, strict=True)])
    return np.sqrt(np.where(squares > SAME, squares, np.inf))


def _share(exceeded: NDArray[np.bool_], n: int) -> float:
    """Return the p-value: the observed sample counts as one of the patterns, where they are drawn."""
    count = int(np.sum(exceeded))
    return count / len(exceeded) if n <= EXACT_BELOW else (1 + count) / (1 + len(exceeded))


def _runs(values: ArrayLike) -> Floats:
    y = np.asarray(values, dtype=np.float64)
    if y.ndim != 2 or y.shape[1] < 2:
        raise DataError(f"runs of shape {y.shape}: give one row of values per run, over the same two or more prompts.")
    return y
