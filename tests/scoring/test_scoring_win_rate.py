from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from alpacabench.core.errors import DataError
from alpacabench.judge.slot import model_first
from alpacabench.scoring.win_rate import mde_80_paired, score_both_orders, score_slots, score_win_rate, wilson_interval
from tests.helpers.scoring_data import MODELS, leaderboard, recorded

NAMES = ("win_rate", "standard_error", "discrete_win_rate", "n_wins", "n_wins_base", "n_draws", "n_total")


def drawn(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.choice([1.0, 2.0, 1.5, 0.0, 1.25, 1.4999999, 1.5000001, 1.97, np.nan], n)


@pytest.mark.parametrize("model", MODELS)
def test_win_rate_and_counts_equal_the_published_row(alpaca_data: Path, model: str) -> None:
    ours, published = score_win_rate(recorded(alpaca_data, model).preferences), leaderboard()[model]
    for name in NAMES:
        assert getattr(ours, name) == pytest.approx(float(published[name]), abs=1e-9), name
    assert ours.win_rate_ci_low < ours.win_rate < ours.win_rate_ci_high
    assert ours.n_failed == 0


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("n", [2, 7, 300])
def test_every_figure_equals_alpaca_evals_on_draws_old_draws_and_missing_verdicts(n: int) -> None:
    from alpaca_eval.metrics import get_winrate

    preferences = np.concatenate([drawn(n, seed=n), [1.2, 1.9]])
    ours, theirs = score_win_rate(preferences), get_winrate([{"preference": p} for p in preferences])
    for name in NAMES:
        assert getattr(ours, name) == pytest.approx(float(theirs[name]), abs=1e-9), name
    assert ours.n_total + ours.n_failed == len(preferences)


def test_zero_and_one_and_a_half_are_draws_and_minus_one_is_missing() -> None:
    score = score_win_rate([0, 1.5, 2, 1, -1, None])
    assert (score.n_wins, score.n_wins_base, score.n_draws, score.n_total, score.n_failed) == (1, 1, 2, 4, 2)
    assert score.win_rate == score.discrete_win_rate == 50


def test_a_preference_out_of_range_is_refused_with_its_row() -> None:
    with pytest.raises(DataError, match=r"row 2: got 0\.7; allowed: 1"):
        score_win_rate([1.0, 2.0, 0.7])


def test_no_verdict_gives_no_number_and_no_crash() -> None:
    score = score_win_rate([np.nan, np.nan])
    assert (score.n_total, score.n_failed) == (0, 2)
    assert np.isnan([score.win_rate, score.win_rate_ci_low, score.discrete_win_rate]).all()


def test_shuffling_rows_changes_no_digit() -> None:
    preferences = drawn(500)
    assert score_win_rate(preferences) == score_win_rate(np.random.default_rng(1).permutation(preferences))


def test_few_rows_or_few_wins_get_wilsons_interval_and_never_a_point() -> None:
    few, rare = score_win_rate(np.full(20, 1.0001)), score_win_rate([1.0] * 790 + [2.0] * 10)
    assert few.interval == rare.interval == "wilson"
    assert few.win_rate_ci_high > 8
    assert 0 < rare.win_rate_ci_low < 1.25 < rare.win_rate_ci_high < 2.6
    assert score_win_rate([1.0, 2.0] * 60).interval == "wilson"


def test_nothing_jumps_with_the_number_of_rows_for_a_soft_judge_nor_for_a_hard_one() -> None:
    """Finding 8: the interval of a soft judge has the width of its error at 99 and at 100 prompts."""
    y = np.random.default_rng(0).normal(0.528, 0.0286, 240).clip(0, 1)
    soft = [score_win_rate(1 + y[:n]) for n in (60, 99, 100, 240)]
    widths = [(s.win_rate_ci_high - s.win_rate_ci_low) / (2 * 1.96 * s.standard_error) for s in soft]
    assert widths == pytest.approx([1, 1, 1, 1], abs=0.05)
    assert [s.interval for s in soft] == ["t", "t", "bootstrap", "bootstrap"]
    hard = [score_win_rate(np.resize([1.0, 2.0, 1.0], n)) for n in (99, 100, 101)]
    assert {s.interval for s in hard} == {"wilson"}
    ends = [s.win_rate_ci_low for s in hard]
    assert np.ptp(ends) < 0.7


def test_wilsons_interval_of_binary_outcomes_is_the_textbook_one() -> None:
    low, high = wilson_interval(np.repeat([0.0, 1.0], [40, 10]))
    assert (low, high) == (pytest.approx(0.1124, abs=2e-3), pytest.approx(0.3304, abs=2e-3))


@pytest.mark.parametrize(("n", "rate"), [(805, 0.15), (60, 0.3), (400, 0.02)])
def test_the_95_percent_interval_covers_93_to_97_percent(n: int, rate: float) -> None:
    rng, covered, runs = np.random.default_rng(3), 0, 1000
    truth = rate * 0.95 + (1 - rate) * 0.05
    for _ in range(runs):
        wins = rng.random(n) < rate
        softness = rng.uniform(0, 0.1, n)
        score = score_win_rate(1 + np.where(wins, 1 - softness, softness), draws=300)
        covered += score.win_rate_ci_low <= truth * 100 <= score.win_rate_ci_high
    assert 0.93 <= covered / runs <= 0.97


def test_detectable_effect_is_that_of_the_measured_pairs() -> None:
    assert mde_80_paired(0.786, variance_reduction=2) == pytest.approx(2.2, abs=0.01)
    assert mde_80_paired(1.45) == pytest.approx(3.9, rel=0.1)


SECOND_FIRST = {
    "FuseChat-Llama-3.1-8B-Instruct": (72.2, 54.6),
    "FuseChat-Llama-3.2-3B-Instruct": (59.3, 43.4),
    "claude-2.1": (23.0, 8.6),
    "gpt-3.5-turbo-1106_verbose": (21.6, 4.1),
    "NullModel": (85.7, 68.2),
}


@pytest.mark.parametrize("model", SECOND_FIRST)
def test_position_gap_is_the_measured_one(alpaca_data: Path, model: str) -> None:
    run = recorded(alpaca_data, model)
    slots = score_slots(run.preferences, [model_first(text, 0) for text in run.instructions])
    assert (round(slots.win_rate_second, 1), round(slots.win_rate_first, 1)) == SECOND_FIRST[model]


def test_slot_metrics_of_a_judge_that_always_picks_the_second() -> None:
    slots = score_slots([2, 2, 1, 1, np.nan], [False, False, True, True, True])
    assert (slots.win_rate_first, slots.win_rate_second, slots.position_gap) == (0, 100, 100)
    assert (slots.win_rate_slot_balanced, slots.position_gap_se) == (50, 0)


def test_both_orders_pair_the_gap_and_count_the_same_winner() -> None:
    slots, consistency = score_both_orders([1.9, 1.1, 1.2, 1.5, np.nan], [1.8, 1.3, 1.7, 1.5, 2])
    assert consistency == 0.75
    gap = np.array([-0.1, 0.2, 0.5, 0.0])
    assert slots.position_gap == pytest.approx(gap.mean() * 100)
    assert slots.position_gap_se == pytest.approx(gap.std(ddof=1) / 2 * 100)


def test_confident_share_counts_clear_verdicts() -> None:
    assert score_win_rate([1.001, 1.999, 1.5, 1.98]).judge_confident_share == 0.5
