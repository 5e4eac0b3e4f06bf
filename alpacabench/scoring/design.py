"""What the design of a run does to its win rate: strata that prompts were drawn from, and orders with gaps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from alpacabench.scoring.arrays import Floats, outcomes, same_length
from alpacabench.scoring.small_sample import WHOLE
from alpacabench.scoring.win_rate import WinRate, mde_80_paired


def stratified_error(y: ArrayLike, strata: Sequence[str]) -> float:
    """Return the standard error of the mean of y over a proportional sample of strata; NaN below two values.

    sqrt(sum over strata of (n_h / n)^2 s_h^2 / n_h); strata with a single value are put together, in the order of their
    names, since one value has no spread. Source: Cochran 1977, Sampling Techniques, 5.3 and 5A.12 (collapsed strata).
    """
    values = np.asarray(y, dtype=np.float64)
    n = same_length(y=values, strata=strata)
    groups: dict[str, list[float]] = defaultdict(list)
    for value, stratum in zip(values.tolist(), strata, strict=True):
        groups[stratum].append(value)
    single = [name for name in sorted(groups) if len(groups[name]) == 1]
    parts = [groups[name] for name in sorted(groups) if len(groups[name]) > 1]
    if single:
        alone = [groups[name][0] for name in single]
        if len(alone) > 1 or not parts:
            parts.append(alone)
        else:
            parts[-1] = parts[-1] + alone
    if n < 2:
        return float("nan")
    return float(np.sqrt(sum(len(part) * np.var(part, ddof=1) for part in parts)) / n)


def stratified(rate: WinRate, y: ArrayLike, strata: Sequence[str]) -> WinRate:
    """Return the rate with the stratified error, and its interval narrowed or widened as much."""
    if rate.n_total < 2:
        return rate
    return _with_error(rate, rate.win_rate, stratified_error(y, strata) * 100)


def slot_balanced(rate: WinRate, first: ArrayLike, second: ArrayLike) -> WinRate:
    """Return the rate as the mean of the two slots' means, where verdicts are missing in one of the orders.

    Row i of both is one prompt's preference with the model shown first, and second; NaN where it is missing. A mean
    over prompts would weigh the slot more that has more verdicts.
    """
    slots = [outcomes(first), outcomes(second)]
    known = [side[~np.isnan(side)] for side in slots]
    if min(map(len, known)) == 0:
        return rate
    shares: Floats = np.sum([_share_of_mean(side) for side in slots], axis=0) / 2
    error = float(np.sqrt(np.sum(shares**2)) * 100)
    return _with_error(rate, float(np.mean([side.mean() for side in known]) * 100), error)


def _share_of_mean(y: Floats) -> Floats:
    """Return what each prompt's distance adds to the mean of those that are known."""
    known = ~np.isnan(y)
    return np.asarray(np.where(known, y - np.mean(y[known]), 0.0) / known.sum())


def _with_error(rate: WinRate, value: float, error: float) -> WinRate:
    """Return the rate with another value and error, its interval moved and scaled by the ratio of the errors.

    Few prompts of a stratum are alike by chance: without a spread left, the interval would have no width. So one prompt
    won and one lost are added to both errors, as `small_sample` adds them to differences.
    """
    added = 2 * WHOLE**2 / max(1, rate.n_total * (rate.n_total - 1))
    scale, moved = float(np.sqrt((error**2 + added) / (rate.standard_error**2 + added))), value - rate.win_rate
    low = rate.win_rate - (rate.win_rate - rate.win_rate_ci_low) * scale + moved
    high = rate.win_rate + (rate.win_rate_ci_high - rate.win_rate) * scale + moved
    return replace(
        rate,
        win_rate=value,
        standard_error=error,
        win_rate_ci_low=max(0.0, low),
        win_rate_ci_high=min(100.0, high),
        mde_80_paired=mde_80_paired(error),
    )
