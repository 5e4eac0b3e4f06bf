from __future__ import annotations

import numpy as np
import pytest

from alpacabench.scoring.ranking import bradley_terry


def test_two_runs_have_the_odds_of_their_wins() -> None:
    first, second = bradley_terry([[1.0] * 30 + [0.0] * 10, [0.0] * 30 + [1.0] * 10])
    assert first.strength - second.strength == pytest.approx(np.log(30.5 / 10.5), abs=1e-6)
    assert (first.rank, second.rank) == (1, 2)


def test_ranks_follow_the_truth_and_their_intervals_hold_it() -> None:
    rng, held = np.random.default_rng(0), 0
    for _ in range(60):
        chance = rng.beta(1, 1, 300)
        y = [rng.random(300) < np.clip(chance + shift, 0, 1) for shift in (-0.15, 0.0, 0.15)]
        found = bradley_terry(y, draws=100)
        held += all(one.low <= place <= one.high for one, place in zip(found, (3, 2, 1), strict=True))
    assert held >= 54


def test_equal_runs_share_their_places() -> None:
    found = bradley_terry(np.resize([0.0, 1.0], (3, 20)) * 0 + np.resize([0.0, 1.0], 20))
    assert [one.rank for one in found] == [2, 2, 2]
    assert all(one.strength == pytest.approx(0) and (one.low, one.high) == (1, 3) for one in found)


@pytest.mark.parametrize("n", [2, 5, 12])
def test_few_prompts_leave_every_place_open_that_an_exact_test_does(n: int) -> None:
    """2 of 2 prompts won, resampled, are 2 of 2 each time: that was called the first place of 1 to 1."""
    first, second = bradley_terry([[1.0] * n, [0.0] * n])
    assert (first.rank, second.rank) == (1, 2)
    assert (first.high, second.low) == ((1, 2) if 0.5 ** (n - 1) < 0.05 else (2, 1))
    rng, held = np.random.default_rng(n), 0
    for _ in range(40):
        y = rng.random((4, n)) < np.array([[0.30], [0.33], [0.36], [0.40]])
        held += sum(
            one.low <= place <= one.high for one, place in zip(bradley_terry(y, 100), (4, 3, 2, 1), strict=True)
        )
    assert held >= 0.95 * 160
