from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from alpacabench.scoring.fill import Filled, fill_win_rate
from alpacabench.scoring.pairs import Refusal
from tests.helpers.scoring_data import COMPLETE, real_table, recorded


def errors_of_subsets(
    preferences: NDArray[np.float64], difficulty: NDArray[np.float64], subsets: int = 40
) -> tuple[float, float]:
    """Root mean square error of the filled and the plain mean over random 100s; points."""
    rng, truth = np.random.default_rng(0), float(np.mean(preferences) - 1) * 100
    filled, plain = [], []
    for _ in range(subsets):
        judged = rng.choice(len(preferences), 100, replace=False)
        holes = np.full(len(preferences), np.nan)
        holes[judged] = preferences[judged]
        found = fill_win_rate(holes, difficulty)
        assert isinstance(found, Filled)
        filled.append(found.win_rate_filled - truth)
        plain.append(np.mean(preferences[judged] - 1) * 100 - truth)
    return float(np.sqrt(np.mean(np.square(filled)))), float(np.sqrt(np.mean(np.square(plain))))


def test_filling_in_beats_the_plain_mean_of_100_real_prompts(alpaca_data: Path) -> None:
    table, gains = real_table(alpaca_data), []
    for model in COMPLETE[4:9]:
        run = recorded(alpaca_data, model)
        difficulty = np.array([table.difficulty[text] for text in run.instructions])
        filled, plain = errors_of_subsets(np.array(run.preferences), difficulty)
        gains.append(filled / plain)
    assert np.mean(gains) < 0.9


def test_filling_in_beats_the_plain_mean_where_difficulty_matters() -> None:
    rng = np.random.default_rng(1)
    difficulty = rng.normal(0, 1.5, 600)
    preferences = 1.0 + (rng.random(600) < 1 / (1 + np.exp(2 - 1.5 * difficulty)))
    filled, plain = errors_of_subsets(preferences, difficulty)
    assert filled < 0.9 * plain


def test_with_every_prompt_judged_it_is_the_win_rate() -> None:
    """Finding 13: the filled win rate comes without an error, since none covers."""
    preferences = np.random.default_rng(2).uniform(1, 2, 50)
    found = fill_win_rate(preferences, np.linspace(-2, 2, 50))
    assert isinstance(found, Filled)
    assert found.win_rate_filled == pytest.approx((preferences.mean() - 1) * 100)
    assert set(found.metrics()) == {"win_rate_filled"}
    assert (found.n_judged, found.n_filled) == (50, 0)


def test_the_order_of_rows_changes_no_digit() -> None:
    rng = np.random.default_rng(3)
    preferences, difficulty = rng.uniform(1, 2, 100), rng.normal(0, 1, 100)
    preferences[40:] = np.nan
    mixed = rng.permutation(100)
    assert fill_win_rate(preferences, difficulty) == fill_win_rate(preferences[mixed], difficulty[mixed])


def test_few_verdicts_or_an_unknown_difficulty_are_refused_with_the_reason() -> None:
    few = fill_win_rate([1.5] * 12 + [np.nan] * 30, np.zeros(42))
    unknown = fill_win_rate([1.5] * 40, [0.0] * 39 + [np.nan])
    assert isinstance(few, Refusal)
    assert "12 judged prompts are too few; 30 are the least" in few.reason
    assert isinstance(unknown, Refusal)
    assert "1 prompts have no known difficulty" in unknown.reason
