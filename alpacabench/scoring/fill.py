"""The win rate of a whole data set from a subset: unjudged prompts are predicted from their difficulty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from alpacabench.scoring import glm
from alpacabench.scoring.arrays import outcomes, same_length
from alpacabench.scoring.length_control import C
from alpacabench.scoring.pairs import MIN_ROWS, Refusal


@dataclass(frozen=True)
class Filled:
    """Win rate over judged and predicted prompts, in percentage points."""

    win_rate_filled: float
    n_judged: int
    n_filled: int

    def metrics(self) -> dict[str, float]:
        """Return the figures under their MLflow names."""
        return {"win_rate_filled": self.win_rate_filled}


UNITS = {"win_rate_filled": "%"}
"""Of the figures of `Filled`."""


def fill_win_rate(preferences: ArrayLike, difficulty: ArrayLike) -> Filled | Refusal:
    """Return the win rate with unjudged prompts (NaN) predicted by a logistic fit on difficulty, or why there is none.

    Rows are all prompts of the data set. Sound for a subset drawn at random, stratified or not; a choice by source or
    category is corrected for difficulty only. It has no interval: that of the regression estimator in survey sampling
    covered 77 to 84% for weak models, whose few wins hide how far the fit may be wrong. Source: p-IRT, Polo et al. 2024
    (arXiv:2402.14992), with the difficulty known.
    """
    y, known_difficulty = outcomes(preferences), np.asarray(difficulty, dtype=np.float64)
    total = same_length(preferences=y, difficulty=known_difficulty)
    if np.isnan(known_difficulty).any():
        return Refusal("win_rate_filled", f"{int(np.isnan(known_difficulty).sum())} prompts have no known difficulty")
    order = np.lexsort((y, known_difficulty))
    y, known_difficulty = y[order], known_difficulty[order]
    judged = ~np.isnan(y)
    n = int(judged.sum())
    if n < MIN_ROWS:
        return Refusal("win_rate_filled", f"{n} judged prompts are too few; {MIN_ROWS} are the least")
    features = np.column_stack([known_difficulty, np.ones(total)])
    w = glm.fit(features[judged], y[judged], np.ones((1, n)), C)[0]
    predicted = glm.logistic(features @ w)
    return Filled(
        win_rate_filled=float(np.mean(np.where(judged, y, predicted)) * 100),
        n_judged=n,
        n_filled=total - n,
    )
