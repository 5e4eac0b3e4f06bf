"""Logistic regression with soft labels and an L1 penalty, by Newton steps, for many weightings of the rows at once.

Minimises C * sum_i s_i [log(1 + e^eta_i) - y_i eta_i] + |w|_1, the objective of liblinear, which alpaca_eval uses; but
to convergence, where liblinear stops early.
"""

from __future__ import annotations

import numpy as np

from alpacabench.core.errors import StageError
from alpacabench.scoring.arrays import Floats

TOLERANCE = 1e-10
"""Largest step in any weight that counts as converged; the steps shrink quadratically, so the error is far smaller."""
MAX_STEPS = 200
MAX_SWEEPS = 2000
MIN_CURVATURE = 1e-12


def logistic(eta: Floats) -> Floats:
    """Return 1 / (1 + e^-eta) without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * eta)))


def fit(features: Floats, y: Floats, sample_weights: Floats, C: float, start: Floats | None = None) -> Floats:
    """Return the weights, shape (fits, features), one fit per row of `sample_weights` (fits, rows).

    Raises:
        StageError: no convergence (a feature with huge values, for instance).
    """
    w = np.tile(np.zeros(features.shape[1]) if start is None else start, (len(sample_weights), 1))
    open_fits = np.arange(len(w))
    loss = _objective(features, y, sample_weights, C, w)
    for _ in range(MAX_STEPS):
        weights = sample_weights[open_fits]
        target = _newton_target(features, y, weights, C, w[open_fits])
        step = target - w[open_fits]
        moved, moved_loss = _backtrack(features, y, weights, C, w[open_fits], step, loss[open_fits])
        w[open_fits], loss[open_fits] = moved, moved_loss
        open_fits = open_fits[np.max(np.abs(step), axis=1) > TOLERANCE]
        if not len(open_fits):
            return w
    raise StageError(f"{len(open_fits)} of {len(w)} logistic fits did not converge in {MAX_STEPS} steps.")


def hessian(features: Floats, sample_weights: Floats, w: Floats) -> Floats:
    """Return the second derivative of the loss (without C) at w, shape (fits, features, features)."""
    p = logistic(w @ features.T)
    rows, size = features.shape
    products = (features[:, :, None] * features[:, None, :]).reshape(rows, size * size)
    return ((sample_weights * p * (1 - p)) @ products).reshape(len(w), size, size)


def _objective(features: Floats, y: Floats, sample_weights: Floats, C: float, w: Floats) -> Floats:
    eta = w @ features.T
    losses = np.maximum(eta, 0) + np.log1p(np.exp(-np.abs(eta))) - y * eta
    return np.asarray(np.einsum("fr,fr->f", sample_weights, losses) + np.sum(np.abs(w), axis=1) / C)


def _newton_target(features: Floats, y: Floats, sample_weights: Floats, C: float, w: Floats) -> Floats:
    """Return the minimum of the penalised quadratic model at w, by coordinate descent with soft thresholds."""
    gradient = (sample_weights * (logistic(w @ features.T) - y)) @ features
    curvature = hessian(features, sample_weights, w)
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


def _backtrack(
    features: Floats, y: Floats, sample_weights: Floats, C: float, w: Floats, step: Floats, loss: Floats
) -> tuple[Floats, Floats]:
    """Return w + step and its objective, the step halved in those fits where the objective would grow."""
    scale = np.ones((len(w), 1))
    for _ in range(30):
        moved_loss = _objective(features, y, sample_weights, C, w + scale * step)
        worse = moved_loss > loss + 1e-12 * np.abs(loss)
        if not worse.any():
            break
        scale[worse] /= 2
    return w + scale * step, moved_loss
