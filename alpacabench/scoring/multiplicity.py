"""Many runs at once: adjusted p-values, and how much of the best run is luck.

Runs are given by their estimates (runs,) and the influence of each prompt on them (runs, n), both in points; for win
rates the influence is (y - mean) * 100, for LC and for differences see `LengthControlled.influence`, `Delta.influence`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from alpacabench.core.errors import DataError
from alpacabench.scoring.arrays import Floats, bootstrap_means
from alpacabench.scoring.sign_flips import best_p
from alpacabench.scoring.small_sample import FEW_CHANGES, WHOLE, whole_changes

TIE = 1e-9


def holm(p_values: ArrayLike) -> Floats:
    """Return Holm's adjusted p-values: family-wise error under any dependence. Source: Holm 1979."""
    p = _p_values(p_values)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return adjusted


def benjamini_hochberg(p_values: ArrayLike) -> Floats:
    """Return q-values: false discovery rate. Source: Benjamini and Hochberg 1995."""
    from scipy.stats import false_discovery_control

    return np.asarray(false_discovery_control(_p_values(p_values)), dtype=float)


@dataclass(frozen=True)
class Selection:
    """The best of several runs, and what selection alone would have given; points."""

    best: int
    """Position of the run with the highest estimate."""
    p_best: tuple[float, ...]
    """Chance of each run to be the best, from resampled prompts; those of few prompts with what `small_sample` adds."""
    tied_with_best: tuple[int, ...]
    """Runs that cannot be told from the best: a confidence set for the truly best run, of 1 - alpha."""
    best_minus_mean: float
    expected_best_under_null: float
    """What the best of so many equal runs exceeds the mean by."""
    shrunken_best: float
    """mean + (1 - SE^2 / var_between)+ (best - mean): the estimate with its winner's curse taken out."""
    sd_between: float


def select_best(
    estimates: ArrayLike,
    influences: ArrayLike,
    alpha: float,
    draws: int = 2_000,
    seed: int = 0,
    skewed: bool = False,
) -> Selection:
    """Return the best run, the runs that are not separable from it, and the winner's curse.

    Args:
        estimates: in points, shape (runs,).
        influences: in points, shape (runs, prompts).
        alpha: error probability that the truly best run is not among those tied with the best.
        draws: resamples for the chance of each run to be the best.
        seed: of the resamples and the sign flips.
        skewed: see `sign_flips.compare_with`.

    Raises:
        DataError: other shapes, or fewer than two prompts.

    """
    value, influence = _runs(estimates, influences)
    best, mean, runs = int(np.argmax(value)), float(np.mean(value)), len(value)
    values = value[:, None] + influence
    resampled = bootstrap_means(influence, draws, seed) + _added(values, best, draws, seed)
    errors = _pair_errors(values)
    noise = float(np.sum(errors**2) / max(1, runs * (runs - 1)) / 2)
    sd_between = float(np.std(value, ddof=1)) if runs > 1 else float("nan")
    kept = max(0.0, 1 - noise / sd_between**2) if runs > 1 and sd_between > 0 else 0.0
    drawn = value + resampled
    p_none_better = best_p(values, seed=seed, skewed=skewed)
    winners = drawn >= np.max(drawn, axis=1, keepdims=True) - TIE
    return Selection(
        best=best,
        p_best=tuple(float(share) for share in np.mean(winners / winners.sum(axis=1, keepdims=True), axis=0)),
        tied_with_best=tuple(int(run) for run in np.flatnonzero(p_none_better >= alpha)),
        best_minus_mean=float(value[best]) - mean,
        expected_best_under_null=float(np.sqrt(noise)) * expected_maximum(runs),
        shrunken_best=mean + kept * (float(value[best]) - mean),
        sd_between=sd_between,
    )


def expected_maximum(k: int) -> float:
    """Return the expected largest of k independent standard normal values."""
    from scipy.special import ndtr

    x = np.linspace(-10, 10, 20_001)
    density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    return float(np.sum(x * k * density * ndtr(x) ** (k - 1)) * (x[1] - x[0]))


def _added(values: Floats, best: int, draws: int, seed: int) -> Floats | float:
    """Return the noise of one prompt more, won or lost, in each resample, where runs change few verdicts of the best's.

    A best that won 2 of 2 prompts wins them in each resample. Runs with the same verdicts share it.
    """
    apart = values[np.ptp(values - values[best], axis=1) + np.abs(values - values[best]).max(axis=1) > TIE]
    if all(whole_changes(row - values[best]) >= FEW_CHANGES for row in apart):
        return 0.0
    of_run = np.unique(np.round(values, 9), axis=0, return_inverse=True)[1].ravel()
    noise = np.random.default_rng([seed, 1]).normal(0, WHOLE / values.shape[1], (draws, len(values)))
    return np.asarray(noise[:, of_run])


def _pair_errors(values: Floats) -> Floats:
    """Return the standard error of each difference between two runs, shape (runs, runs); see `small_sample`."""
    n, covariance = values.shape[1], np.atleast_2d(np.cov(values))
    own = np.diag(covariance)[:, None] + np.diag(covariance)[None]
    squares = np.maximum(0.0, own - 2 * covariance) * (n - 1)
    same = np.array([[np.allclose(one, other, rtol=0, atol=TIE) for other in values] for one in values])
    few = squares < FEW_CHANGES * WHOLE**2
    errors = np.where(few, (squares + 2 * WHOLE**2) / ((n + 2) * (n + 1)), squares / (n * (n - 1)))
    return np.asarray(np.sqrt(np.where(same, 0.0, errors)))


def _p_values(p_values: ArrayLike) -> Floats:
    p = np.asarray(p_values, dtype=np.float64)
    if not np.all((p >= 0) & (p <= 1)):
        raise DataError(f"p-values must lie in 0 to 1, got {p.tolist()}.")
    return p


def _runs(estimates: ArrayLike, influences: ArrayLike) -> tuple[Floats, Floats]:
    value, influence = np.asarray(estimates, dtype=np.float64), np.asarray(influences, dtype=np.float64)
    if influence.ndim != 2 or influence.shape[0] != len(value) or influence.shape[1] < 2:
        raise DataError(
            f"{value.shape} estimates with influences of shape {influence.shape}: give one row of influences per run, "
            "over the same two or more prompts."
        )
    return value, influence - influence.mean(axis=1, keepdims=True)
