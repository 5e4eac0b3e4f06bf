"""alpaca_eval's own cross-validated LC fit, with folds that do not depend on the processor.

Follows `metrics/glm_winrate.py` of alpaca_eval 0.6.6: ten penalties, five folds, liblinear with its early stop, and the
gamed rows in the training data. It is the bridge to published values; the score to rank by is `length_control`'s.
"""

from __future__ import annotations

import inspect
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from alpacabench.scoring.arrays import Bools, Floats
from alpacabench.scoring.difficulty import DifficultyTable
from alpacabench.scoring.glm import logistic
from alpacabench.scoring.length_control import GAMED_WEIGHT, why_not_regularised
from alpacabench.scoring.pairs import Pairs, Refusal

PENALTIES = np.logspace(-4, 4, 10)
FOLDS = 5
RANDOM_STATE = 123
CLIP = 1e-15


@dataclass(frozen=True)
class OfficialLengthControlled:
    """alpaca_eval's value and the penalty that its cross-validation chose."""

    value: float
    C: float
    standard_error_alpaca_eval: float

    def metrics(self) -> dict[str, float]:
        """Return the figures under their MLflow names."""
        return {"length_controlled_winrate_official": self.value, "lc_C_official": self.C}


UNITS = {"length_controlled_winrate_official": "%", "lc_C_official": ""}
"""Of the figures of `OfficialLengthControlled`."""


def length_controlled_official(
    pairs: Pairs, table: DifficultyTable | None, judge: str, reference: str
) -> OfficialLengthControlled | Refusal:
    """Return `length_controlled_winrate_official` of the pairs, each with its own difficulty, or why there is none."""
    reason = why_not_regularised(pairs, table, judge, reference)
    if not reason and len(pairs) < FOLDS:
        reason = f"{len(pairs)} scored prompts cannot be split into {FOLDS} folds"
    if reason or table is None:
        return Refusal("length_controlled_winrate_official", reason, needs_table=table is None)
    order = np.argsort([table.order[text] for text in pairs.instructions])
    difficulty = np.array([table.difficulty[pairs.instructions[row]] for row in order])
    features = np.column_stack([pairs.tanh_length[order], difficulty, np.ones(len(pairs))])
    rows = np.vstack([table.gamed_features, features])
    y = np.concatenate([table.gamed_outcomes, pairs.y[order]])
    weights = np.concatenate([np.full(len(table.gamed_outcomes), GAMED_WEIGHT), np.ones(len(pairs))])
    C = _choose_penalty(rows, y, weights)
    w = _liblinear(rows, y, weights, C, RANDOM_STATE)
    fitted = logistic(features[:, 1:] @ w[1:])
    return OfficialLengthControlled(
        value=float(np.mean(fitted) * 100),
        C=C,
        standard_error_alpaca_eval=float(np.std(fitted, ddof=1) / np.sqrt(len(fitted)) * 100),
    )


def _choose_penalty(rows: Floats, y: Floats, weights: Floats) -> float:
    """Return the penalty with the least mean log loss over the folds (the first of equals)."""
    fold = (len(y) - 1 - np.arange(len(y))) % FOLDS
    losses = np.array([_fold_losses(rows, y, weights, fold == number) for number in range(FOLDS)])
    return float(PENALTIES[np.argmin(np.mean(losses, axis=0))])


def _fold_losses(rows: Floats, y: Floats, weights: Floats, held_out: Bools) -> list[float]:
    # One generator for all penalties of a fold, as scikit-learn's path has it: liblinear visits coordinates at random.
    generator = np.random.RandomState(RANDOM_STATE)
    train = ~held_out
    losses = []
    for C in PENALTIES:
        w = _liblinear(rows[train], y[train], weights[train], float(C), generator)
        p = np.clip(logistic(rows[held_out] @ w), CLIP, 1 - CLIP)
        loss = y[held_out] * np.log(p) + (1 - y[held_out]) * np.log(1 - p)
        losses.append(-float(np.mean(weights[held_out] * loss)))
    return losses


def _liblinear(rows: Floats, y: Floats, weights: Floats, C: float, random_state: Any) -> Floats:
    """Return liblinear's weights for soft labels: each row once as a win with weight y, once as a loss with 1 - y."""
    from sklearn.linear_model import LogisticRegression

    renamed = inspect.signature(LogisticRegression).parameters["penalty"].default == "deprecated"
    l1: dict[str, Any] = {"l1_ratio": 1.0} if renamed else {"penalty": "l1"}
    model = LogisticRegression(C=C, solver="liblinear", fit_intercept=False, random_state=random_state, **l1)
    labels = np.repeat([1, 0], len(y))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # liblinear stops early at small C: that early stop is what is reproduced
        model.fit(np.vstack([rows, rows]), labels, np.concatenate([weights * y, weights * (1 - y)]))
    return np.asarray(model.coef_[0], dtype=np.float64)
