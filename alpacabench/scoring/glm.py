"""Logistic regression with soft labels and an L1 penalty, by Newton steps, for many weightings of the rows at once.

Minimises C * sum_i s_i [log(1 + e^eta_i) - y_i eta_i] + |w|_1, the objective of liblinear, which alpaca_eval uses; but
to convergence, where liblinear stops early.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpacabench.core.errors import StageError
from alpacabench.scoring.arrays import Floats

TOLERANCE = 1e-10
"""Largest step in any weight that counts as converged; the steps shrink quadratically, so the error is far smaller."""
MAX_STEPS = 200
MAX_SWEEPS = 2000
MIN_CURVATURE = 1e-12
SURE = 0.5
"""A step that changes no row's linear predictor by as much lowers the objective: by it p (1 - p) changes by a factor
below 2, and the step is the minimum of the model with the curvature where it begins."""


WHOLE, CELLS = 1 << 21, 1 << 17
"""Cells of a matrix of fits and rows up to which it is computed at once, and beyond which so many at a time: the
resamples of a large data set are more than memory holds, and what fits into the processor's cache is done fastest."""


def by_block(of: Callable[[Floats, Floats], Floats], sample_weights: NDArray[Any], w: Floats) -> Floats:
    """Return `of(sample_weights, w)`, which has one row per fit, computed for a few fits at a time.

    Args:
        of: given weights of the rows, shape (some fits, rows), and the weights, shape (some fits, features).
        sample_weights: shape (fits, rows); counts may be small integers.
        w: shape (fits, features).

    """
    some = len(w) if sample_weights.size <= WHOLE else max(1, CELLS // sample_weights.shape[1])
    parts = range(0, len(w), some)
    return np.concatenate([of(sample_weights[at : at + some].astype(np.float64), w[at : at + some]) for at in parts])


def logistic(eta: Floats) -> Floats:
    """Return 1 / (1 + e^-eta) without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * eta)))


def fit(features: Floats, y: Floats, sample_weights: NDArray[Any], C: float, start: Floats | None = None) -> Floats:
    """Return the weights, shape (fits, features), one fit per row of `sample_weights` (fits, rows).

    Raises:
        StageError: no convergence (a feature with huge values, for instance).
    """
    w = np.tile(np.zeros(features.shape[1]) if start is None else start, (len(sample_weights), 1))
    open_fits, loss = np.arange(len(w)), np.full(len(w), np.nan)
    for _ in range(MAX_STEPS):
        weights = sample_weights if len(open_fits) == len(w) else sample_weights[open_fits]
        target = _newton_target(features, y, weights, C, w[open_fits])
        step = target - w[open_fits]
        far = _largest_change(features, step) >= SURE
        near, halved = open_fits[~far], open_fits[far]
        w[near], loss[near] = w[near] + step[~far], np.nan
        if far.any():
            w[halved], loss[halved] = _backtrack(features, y, weights[far], C, w[halved], step[far], loss[halved])
        open_fits = open_fits[np.max(np.abs(step), axis=1) > TOLERANCE]
        if not len(open_fits):
            return w
    raise StageError(f"{len(open_fits)} of {len(w)} logistic fits did not converge in {MAX_STEPS} steps.")


def hessian(features: Floats, sample_weights: Floats, w: Floats) -> Floats:
    """Return the second derivative of the loss (without C) at w, shape (fits, features, features)."""
    return _curvature(_products(features), sample_weights, logistic(w @ features.T))


def _products(features: Floats) -> Floats:
    """Return each row's products of two features, shape (rows, features * features)."""
    return np.asarray((features[:, :, None] * features[:, None, :]).reshape(len(features), -1))


def _curvature(products: Floats, sample_weights: Floats, p: Floats) -> Floats:
    size = math.isqrt(products.shape[1])
    return ((sample_weights * p * (1 - p)) @ products).reshape(len(p), size, size)


def _objective(features: Floats, y: Floats, sample_weights: NDArray[Any], C: float, w: Floats) -> Floats:
    def losses(weights: Floats, w: Floats) -> Floats:
        eta = w @ features.T
        each = np.maximum(eta, 0) + np.log1p(np.exp(-np.abs(eta))) - y * eta
        return np.asarray(np.einsum("fr,fr->f", weights, each))

    return np.asarray(by_block(losses, sample_weights, w) + np.sum(np.abs(w), axis=1) / C)


def _newton_target(features: Floats, y: Floats, sample_weights: NDArray[Any], C: float, w: Floats) -> Floats:
    """Return the minimum of the penalised quadratic model at w, by coordinate descent with soft thresholds."""
    products = _products(features)

    def derivatives(weights: Floats, w: Floats) -> Floats:
        p = logistic(w @ features.T)
        gradient = (weights * (p - y)) @ features
        return np.concatenate([gradient[:, None], _curvature(products, weights, p)], axis=1)

    found = by_block(derivatives, sample_weights, w)
    gradient, curvature = found[:, 0], found[:, 1:]
    diagonal = np.maximum(np.einsum("fjj->fj", curvature), MIN_CURVATURE)
    target = w.copy()
    for _ in range(MAX_SWEEPS):
        before = target.copy()
        for j in range(w.shape[1]):
            slope = gradient[:, j] + np.einsum("fk,fk->f", curvature[:, j], target - w)
            free = target[:, j] - slope / diagonal[:, j]
            target[:, j] = np.sign(free) * np.maximum(np.abs(free) - 1 / (C * diagonal[:, j]), 0)
        if np.max(np.abs(target - before)) < TOLERANCE / 100:
            break
    return target


def _largest_change(features: Floats, step: Floats) -> Floats:
    """Return the largest change of any row's linear predictor, shape (fits,)."""
    some = max(1, CELLS // len(features))
    parts = [np.max(np.abs(step[at : at + some] @ features.T), axis=1) for at in range(0, len(step), some)]
    return np.concatenate(parts)


def _backtrack(
    features: Floats, y: Floats, sample_weights: NDArray[Any], C: float, w: Floats, step: Floats, loss: Floats
) -> tuple[Floats, Floats]:
    """Return w + step and its objective, the step halved in those fits where the objective would grow.

    `loss` is the objective at w, shape (fits,), NaN where it is not known; the others are as in `fit`.
    """
    if (unknown := np.isnan(loss)).any():
        loss[unknown] = _objective(features, y, sample_weights[unknown], C, w[unknown])
    scale = np.ones((len(w), 1))
    for _ in range(30):
        moved_loss = _objective(features, y, sample_weights, C, w + scale * step)
        worse = moved_loss > loss + 1e-12 * np.abs(loss)
        if not worse.any():
            break
        scale[worse] /= 2
    return w + scale * step, moved_loss
