"""Ranks of many runs on the same prompts: Bradley-Terry strengths, with intervals from resampled prompts.

On each prompt the run with the higher outcome beats the other; equal outcomes are half a win for both. Prompts are the
clusters: all comparisons of a prompt are resampled together. Few prompts hold too few places, however they are
resampled, so that an interval also holds every place that the exact sign tests of the pairs leave open. Source: Bradley
and Terry 1952, Biometrika 39; fitted by the iteration of Hunter 2004, The Annals of Statistics 32, with half a win
added to both sides of each pair, so that the fit exists where one run wins all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alpacabench.scoring.arrays import Floats, bootstrap_counts
from alpacabench.scoring.multiplicity import holm

ITERATIONS = 200
DRAWS = 500
HALF_WIN = 0.5
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Rank:
    """A run's place among the others; 1 is the best."""

    strength: float
    """Log odds of beating the average run."""
    rank: float
    """Runs of one strength share the mean of their places."""
    low: float
    high: float
    """95% interval of the place, from resampled prompts, and no narrower than exact tests allow."""


def bradley_terry(outcomes: ArrayLike, draws: int = DRAWS, seed: int = 0) -> tuple[Rank, ...]:
    """Return the rank of each run from its outcomes, shape (runs, prompts)."""
    y = np.asarray(outcomes, dtype=np.float64)
    runs, n = y.shape
    above = (y[:, None] > y[None]) + HALF_WIN * (y[:, None] == y[None])
    by_prompt = above.reshape(runs * runs, n)
    counts = np.vstack([np.ones((1, n)), bootstrap_counts(n, draws, seed)])
    strengths = _strengths((counts @ by_prompt.T).reshape(-1, runs, runs))
    places = _places(strengths)
    low, high = np.quantile(places[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    above_it, below_it = _apart(np.sum(y[:, None] > y[None], axis=2))
    low, high = np.minimum(low, 1 + above_it), np.maximum(high, runs - below_it)
    return tuple(
        Rank(float(strengths[0, run]), float(places[0, run]), float(low[run]), float(high[run])) for run in range(runs)
    )


def _apart(wins: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Return how many runs each is shown to lie below, and above, by exact sign tests adjusted for each run's pairs."""
    from scipy.special import bdtr

    runs = len(wins)
    p = np.minimum(1.0, 2 * bdtr(np.minimum(wins, wins.T), wins + wins.T, 0.5))
    shown = np.zeros((runs, runs), dtype=np.bool_)
    for run in range(runs):
        others = np.arange(runs) != run
        shown[run, others] = holm(p[run, others]) < 1 - LEVEL
    return np.sum(shown & (wins < wins.T), axis=1).astype(float), np.sum(shown & (wins > wins.T), axis=1).astype(float)


def _strengths(wins: Floats) -> Floats:
    """Return log strengths, mean 0, from wins of row over column, shape (fits, runs, runs)."""
    runs = wins.shape[1]
    off = 1 - np.eye(runs)
    won = ((wins + HALF_WIN) * off).sum(axis=2)
    games = (wins + wins.transpose(0, 2, 1) + 2 * HALF_WIN) * off
    strength = np.ones(won.shape)
    for _ in range(ITERATIONS):
        strength = won / np.sum(games / (strength[:, :, None] + strength[:, None]), axis=2)
        strength /= np.exp(np.mean(np.log(strength), axis=1, keepdims=True))
    return np.asarray(np.log(strength))


def _places(strengths: Floats) -> Floats:
    """Return each run's place, 1 for the strongest; equal ones share the mean of theirs."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(-np.round(strengths, 9), axis=1))
