"""Checks and resampling that every score shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alpacabench.core.errors import DataError
from alpacabench.io.rows import DRAW, FAILED

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

DRAWN = 1 << 17
"""Rows that are drawn in one call: several small resamples, or a part of a large one's memory."""
CHUNK = 1000
"""Resamples held in memory at a time."""


def outcomes(preferences: ArrayLike) -> Floats:
    """Return y = preference - 1 in [0, 1] (1 = the model wins); NaN where the verdict is missing.

    As alpaca_eval reads them: 0 is its old code for a draw and -1 its code for a failed row.

    Raises:
        DataError: a preference that is none of these; alpaca_eval would drop it without a word.
    """
    given = np.asarray(preferences, dtype=np.float64)
    given = np.where(given == DRAW, 1.5, given)
    y = np.where(given == FAILED, np.nan, given) - 1
    wrong = np.flatnonzero((y < 0) | (y > 1))
    if wrong.size:
        row = int(wrong[0])
        raise DataError(
            f"preference, row {row}: got {given[row]:g}; allowed: 1 (reference wins) to 2 (model wins), 1.5 (draw), "
            "NaN (missing). Correct that row, or leave it out."
        )
    return y


def same_length(**columns: Sequence[object] | NDArray[np.generic]) -> int:
    """Return the common length of the named columns.

    Raises:
        DataError: they differ.
    """
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) != 1:
        raise DataError(f"columns of different length: {lengths}; give one value per row in each.")
    return next(iter(lengths.values()))


def canonical_order(keys: Sequence[str]) -> NDArray[np.intp]:
    """Return the order of rows by key, so that a sum does not depend on the order of the file.

    Raises:
        DataError: a key occurs twice.
    """
    order = sorted(range(len(keys)), key=keys.__getitem__)
    for before, after in zip(order, order[1:], strict=False):
        if keys[before] == keys[after]:
            raise DataError(
                f"rows {min(before, after)} and {max(before, after)} have the same instruction: {keys[after][:60]!r}. "
                "Average its verdicts first: one instruction is one row."
            )
    return np.asarray(order, dtype=np.intp)


def bootstrap_counts(n: int, draws: int, seed: int | np.random.Generator) -> Floats:
    """Return how often each of n rows occurs in each resample, shape (draws, n).

    The same n, draws and seed give the same counts, which is what makes the resamples of two runs paired.
    """
    return compact_counts(n, draws, seed).astype(np.float64)


def compact_counts(n: int, draws: int, seed: int | np.random.Generator) -> NDArray[np.uint8]:
    """Return `bootstrap_counts` in an eighth of the memory: no row is drawn 256 times, which has a chance of 1/256!."""
    generator, counts = np.random.default_rng(seed), np.empty((draws, n), np.uint8)
    for at in range(0, draws, some := DRAWN // max(n, 1) + 1):
        rows = len(counts[at : at + some])
        drawn = generator.integers(0, n, size=(rows, n)) + n * np.arange(rows)[:, None]
        counts[at : at + some] = np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n)
    return counts


def bootstrap_means(values: Floats, draws: int, seed: int) -> Floats:
    """Return the mean of each row of `values` (runs, n) in each resample of the columns, shape (draws, runs).

    One resample serves all runs, so their correlation is kept.
    """
    generator, n = np.random.default_rng(seed), values.shape[1]
    sizes = [min(CHUNK, draws - start) for start in range(0, draws, CHUNK)]
    return np.concatenate([bootstrap_counts(n, size, generator) @ values.T / n for size in sizes])


def standard_error(values: Floats) -> float:
    """Return the standard error of the mean, sd(ddof=1) / sqrt(n); NaN below two values."""
    if len(values) < 2:
        return float("nan")
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))


def percentile_interval(draws: Floats, level: float = 0.95) -> tuple[float, float]:
    """Return the percentile interval of bootstrap draws."""
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
