"""Whether a judge's certainty is worth what it says: reliability, its summaries, and a temperature that mends it.

`p` is the judge's probability that the model wins, y = preference - 1; `won` is what people say, 0 or 1. Draws of
people have no place in a reliability curve and are to be left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from alpacabench.analysis.estimate import Estimate
from alpacabench.core.errors import DataError
from alpacabench.scoring.arrays import Floats, percentile_interval, same_length

BINS = 10
EDGE = 1e-6
"""Probabilities are kept so far from 0 and 1, whose logits are infinite."""
TEMPERATURES = (0.05, 20.0)


@dataclass(frozen=True, slots=True)
class Bin:
    """One row of the reliability table; shares in [0, 1]."""

    low: float
    high: float
    n: int
    mean_p: float
    """NaN, like `won`, where the bin is empty."""
    won: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How well probabilities meet what happened."""

    n: int
    ece: float
    """Expected calibration error over ten bins of equal width."""
    ece_adaptive: float
    """The same over ten bins of equally many prompts: the full bins at the ends do not drown the others."""
    brier: float
    auroc: float
    """NaN where all labels are equal."""
    table: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Temperature:
    """A temperature from one half of the labels, and what it does to the other half."""

    value: float
    """Above 1 the judge is too sure of itself, below 1 not sure enough."""
    before: Calibration
    after: Calibration


def calibration(p: ArrayLike, won: ArrayLike) -> Calibration:
    """Return the calibration of probabilities, shapes (prompts,).

    Sources: Naeini et al. 2015 (ECE), Nguyen and O'Connor 2015 (equal-mass bins), Brier 1950.

    Raises:
        DataError: none given, columns of different length, or values that are no probabilities or labels.

    """
    from sklearn.metrics import brier_score_loss, roc_auc_score

    chance, label = _checked(p, won)
    table = reliability(chance, label)
    order = np.argsort(chance, kind="stable")
    both = np.ptp(label) > 0
    return Calibration(
        n=len(label),
        ece=sum(row.n * abs(row.mean_p - row.won) for row in table if row.n) / len(label),
        ece_adaptive=float(_adaptive(chance[order], label[None, order])[0]),
        brier=float(brier_score_loss(label, chance, pos_label=1)),
        auroc=float(roc_auc_score(label, chance)) if both else float("nan"),
        table=table,
    )


def calibrated_p(p: ArrayLike, won: ArrayLike, draws: int = 1_999, seed: int = 0) -> float:
    """Return the p-value that the probabilities are what they say: labels drawn by them have as large an adaptive ECE.

    The error of a calibrated judge is above 0 by chance alone, the more the fewer labels there are; this test knows by
    how much. Source: consistency resampling, Broecker and Smith 2007, Weather and Forecasting 22.
    """
    chance, label = _checked(p, won)
    rng, order = np.random.default_rng(seed), np.argsort(chance, kind="stable")
    seen = _adaptive(chance[order], label[None, order])[0]
    drawn = _adaptive(chance[order], (rng.random((draws, len(label))) < chance[order]).astype(np.float64))
    return float((1 + np.sum(drawn >= seen - 1e-12)) / (1 + draws))


def calibration_interval(p: ArrayLike, won: ArrayLike, draws: int = 1_999, seed: int = 0) -> Estimate:
    """Return the adaptive ECE with its basic bootstrap interval over prompts, which turns around what chance adds."""
    chance, label = _checked(p, won)
    value = calibration(chance, label).ece_adaptive
    rows = np.sort(np.random.default_rng(seed).integers(0, len(label), size=(draws, len(label))), axis=1)
    order = np.argsort(chance, kind="stable")
    sorted_p, sorted_won = chance[order][rows], label[order][rows]
    parts = np.array_split(np.arange(len(label)), min(BINS, len(label)))
    drawn = sum(np.abs((sorted_p[:, part] - sorted_won[:, part]).sum(axis=1)) for part in parts) / len(label)
    low, high = percentile_interval(np.asarray(drawn))
    return Estimate(value, max(0.0, 2 * value - high), min(1.0, max(0.0, 2 * value - low)))


def _adaptive(ordered: Floats, labels: Floats) -> Floats:
    """Return the adaptive ECE of labels, shape (draws, prompts), under ordered probabilities."""
    parts = np.array_split(np.arange(len(ordered)), min(BINS, len(ordered)))
    gaps = [np.abs((labels[:, part] - ordered[part]).sum(axis=1)) for part in parts]
    return np.asarray(np.sum(gaps, axis=0) / len(ordered), dtype=np.float64)


def reliability(p: ArrayLike, won: ArrayLike) -> tuple[Bin, ...]:
    """Return ten bins of equal width; the last one holds 1."""
    chance, label = _checked(p, won)
    place = np.minimum((chance * BINS).astype(int), BINS - 1)
    rows = []
    for number in range(BINS):
        here = place == number
        mean_p, share = (float(np.mean(v[here])) if here.any() else float("nan") for v in (chance, label))
        rows.append(Bin(number / BINS, (number + 1) / BINS, int(here.sum()), mean_p, share))
    return tuple(rows)


def fit_temperature(p: ArrayLike, won: ArrayLike) -> float:
    """Return T that makes sigmoid(logit(p) / T) likeliest, in 0.05 to 20. Source: Guo et al. 2017, arXiv 1706.04599."""
    from scipy.optimize import minimize_scalar

    chance, label = _checked(p, won)
    logits = _logits(chance) * np.where(label > 0.5, 1, -1)
    low, high = np.log(TEMPERATURES)
    found = minimize_scalar(lambda t: float(np.mean(np.logaddexp(0, -logits / np.exp(t)))), bounds=(low, high),
                            method="bounded")  # fmt: skip
    return float(np.exp(found.x))


def rescaled(p: ArrayLike, temperature: float) -> Floats:
    """Return sigmoid(logit(p) / temperature)."""
    from scipy.special import expit

    return np.asarray(expit(_logits(np.asarray(p, dtype=np.float64)) / temperature), dtype=np.float64)


def held_out_temperature(p: ArrayLike, won: ArrayLike, seed: int = 0) -> Temperature:
    """Fit the temperature on a random half of the prompts, and tell the calibration of the other half."""
    chance, label = _checked(p, won)
    if len(label) < 2:
        raise DataError("a temperature needs two labels or more: one half to fit it, one to try it.")
    order = np.random.default_rng(seed).permutation(len(label))
    fitted, tried = order[: len(order) // 2], order[len(order) // 2 :]
    value = fit_temperature(chance[fitted], label[fitted])
    return Temperature(
        value,
        calibration(chance[tried], label[tried]),
        calibration(rescaled(chance[tried], value), label[tried]),
    )


def _logits(p: Floats) -> Floats:
    kept = np.clip(p, EDGE, 1 - EDGE)
    return np.asarray(np.log(kept) - np.log1p(-kept), dtype=np.float64)


def _checked(p: ArrayLike, won: ArrayLike) -> tuple[Floats, Floats]:
    chance, label = np.asarray(p, dtype=np.float64), np.asarray(won, dtype=np.float64)
    if not same_length(p=chance, won=label):
        raise DataError("there are no labelled verdicts; give at least one.")
    if not np.all((chance >= 0) & (chance <= 1)) or not np.all(np.isin(label, (0, 1))):
        raise DataError("calibration takes probabilities in 0 to 1 and labels 0 or 1: leave out draws and gaps.")
    return chance, label
