from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from alpacabench.analysis.decision import MARGIN
from alpacabench.core.errors import DataError
from alpacabench.scoring.length_control import JUDGE, REFERENCE, LengthControlled, length_controlled
from alpacabench.scoring.paired import compare_length_controlled, compare_win_rates, compare_winners, mcnemar_exact
from tests.helpers.scoring_data import Run, real_table, recorded, synthetic_run, synthetic_table

MEASURED = [  # base, run, difference, rho, unpaired and paired standard error, variance reduction, flips in percent
    ("vicuna-13b-v1.5", "vicuna-13b-v1.5-togetherai", 0.24, 0.65, 1.10, 0.65, 2.8, 5.8),
    ("gpt-3.5-turbo-1106", "gpt-3.5-turbo-1106_concise", -1.76, 0.71, 1.22, 0.66, 3.4, 5.1),
    ("gpt-3.5-turbo-1106", "gpt-3.5-turbo-1106_verbose", 3.59, 0.64, 1.37, 0.83, 2.7, 8.9),
    ("FuseChat-Llama-3.2-3B-Instruct", "FuseChat-Llama-3.1-8B-Instruct", 12.03, 0.61, 2.05, 1.29, 2.5, 23.9),
]
MEASURED_LC = [  # base, run, difference, paired and unpaired standard error
    ("gpt-3.5-turbo-1106", "gpt-3.5-turbo-1106_concise", -3.5, 1.42, 2.17),
    ("gpt-3.5-turbo-1106", "gpt-3.5-turbo-1106_verbose", 2.7, 1.58, 2.24),
    ("vicuna-13b-v1.5", "vicuna-13b-v1.5-togetherai", 1.1, 1.14, 1.62),
    ("FuseChat-Llama-3.2-3B-Instruct", "FuseChat-Llama-3.1-8B-Instruct", 11.4, 1.41, 2.12),
]


def columns(base: Run, run: Run) -> tuple[list[str], list[float], list[str], list[float]]:
    return base.instructions, base.preferences, run.instructions, run.preferences


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: f"{row[0]} to {row[1]}")
def test_pairs_come_out_with_the_measured_figures(alpaca_data: Path, row: tuple[str, str, *tuple[float, ...]]) -> None:
    base, run = recorded(alpaca_data, row[0]), recorded(alpaca_data, row[1])
    delta, flips = compare_win_rates(*columns(base, run), margin=MARGIN), compare_winners(*columns(base, run))
    difference, rho, unpaired, paired, reduction, flipped = row[2:]
    assert delta.estimate == pytest.approx(difference, abs=0.01)
    assert delta.rho == pytest.approx(rho, abs=0.006)
    assert delta.standard_error_unpaired == pytest.approx(unpaired, abs=0.01)
    assert delta.standard_error == pytest.approx(paired, abs=0.01)
    assert delta.bootstrap_standard_error == pytest.approx(paired, abs=0.03)
    assert delta.variance_reduction == pytest.approx(reduction, abs=0.06)
    assert flips.flip_rate * 100 == pytest.approx(flipped, abs=0.06)
    assert flips.flip_rate == pytest.approx(flips.win_to_loss + flips.loss_to_win)
    assert len(flips.flipped) == flips.n_win_to_loss + flips.n_loss_to_win
    assert delta.metrics("wr")["delta_wr"] == delta.estimate


@pytest.mark.parametrize("row", MEASURED_LC, ids=lambda row: f"{row[0]} to {row[1]}")
def test_length_controlled_pairs_come_out_with_the_measured_figures(
    alpaca_data: Path, row: tuple[str, str, float, float, float]
) -> None:
    table = real_table(alpaca_data)
    scored = [length_controlled(recorded(alpaca_data, name).pairs, table, JUDGE, REFERENCE) for name in row[:2]]
    assert all(isinstance(each, LengthControlled) for each in scored)
    delta = compare_length_controlled(*scored, MARGIN)
    assert delta.estimate == pytest.approx(row[2], abs=0.06)
    assert delta.standard_error == pytest.approx(row[3], abs=0.02)
    assert delta.standard_error_unpaired == pytest.approx(row[4], abs=0.02)
    assert delta.bootstrap_standard_error == pytest.approx(row[3], rel=0.1)


def test_verbose_is_significant_raw_and_not_when_length_is_controlled(alpaca_data: Path) -> None:
    base, run = (recorded(alpaca_data, f"gpt-3.5-turbo-1106{name}") for name in ("", "_verbose"))
    table = real_table(alpaca_data)
    lc = [length_controlled(each.pairs, table, JUDGE, REFERENCE) for each in (base, run)]
    assert compare_win_rates(*columns(base, run), margin=MARGIN).p_value < 1e-4
    assert compare_length_controlled(*lc, MARGIN).p_value > 0.05


def test_rows_are_paired_by_instruction_whatever_their_order(tmp_path: Path) -> None:
    instructions, table = synthetic_table(tmp_path)
    base, run = (synthetic_run(instructions, table, seed=seed) for seed in (1, 2))
    mixed = run.rows(np.random.default_rng(0).permutation(200))
    assert compare_win_rates(*columns(base, run), margin=MARGIN) == compare_win_rates(
        *columns(base, mixed), margin=MARGIN
    )
    assert compare_winners(*columns(base, run)) == compare_winners(*columns(base, mixed))
    y, z = np.array(base.preferences), np.array(run.preferences)
    delta = compare_win_rates(*columns(base, run), margin=MARGIN)
    assert delta.estimate == pytest.approx((z - y).mean() * 100)
    assert delta.standard_error == pytest.approx((z - y).std(ddof=1) / np.sqrt(200) * 100)
    assert delta.mde_80 == pytest.approx(2.8 * delta.standard_error)


def test_a_verdict_missing_on_either_side_drops_the_pair() -> None:
    delta = compare_win_rates(
        ["a", "b", "c", "d"], [1, np.nan, 2, 1.2], ["d", "c", "b", "a"], [1.4, 1.5, 2, np.nan], margin=MARGIN
    )
    assert delta.n_paired == 2
    assert delta.estimate == pytest.approx(-15)


def test_different_prompts_are_refused_with_an_example() -> None:
    with pytest.raises(DataError, match="1 only in the base, 2 only in the run, such as 'b'"):
        compare_win_rates(["a", "b"], [1, 2], ["a", "c", "d"], [1, 2, 1], margin=MARGIN)
    with pytest.raises(DataError, match="0 prompts have a verdict in both runs"):
        compare_winners(["a"], [np.nan], ["a"], [1])


def test_length_controlled_runs_of_other_prompts_variants_or_resamples_are_refused(tmp_path: Path) -> None:
    instructions, table = synthetic_table(tmp_path)
    run = synthetic_run(instructions, table, seed=1)
    scored = length_controlled(run.pairs, table, JUDGE, REFERENCE, draws=10)
    other_seed = length_controlled(run.pairs, table, JUDGE, REFERENCE, draws=10, seed=1)
    fewer = length_controlled(run.rows(range(150)).pairs, table, JUDGE, REFERENCE, draws=10)
    with pytest.raises(DataError, match="resampled differently"):
        compare_length_controlled(scored, other_seed, MARGIN)
    with pytest.raises(DataError, match="50 only in the base"):
        compare_length_controlled(scored, fewer, MARGIN)


@pytest.mark.parametrize(("n", "equivalent"), [(3, False), (100, False), (200, True)])
def test_identical_runs_are_never_significant_and_equivalent_where_they_are_many(n: int, equivalent: bool) -> None:
    keys, preferences = [f"{i:03}" for i in range(n)], np.resize([1.0, 2.0, 1.5], n)
    delta = compare_win_rates(keys, preferences, keys, preferences, margin=MARGIN)
    assert (delta.estimate, delta.standard_error, delta.p_value, delta.p_sign_flip) == (0, 0, 1, 1)
    assert delta.equivalent == equivalent
    assert delta.ci_low < 0 < delta.ci_high
    assert delta.mde_80 > 0
    assert compare_winners(keys, preferences, keys, preferences).mcnemar_p == 1


@pytest.mark.parametrize("level", [1.0, 1.5, 2.0, 1.003])
def test_saturated_verdicts_conclude_nothing_however_many(level: float) -> None:
    keys, preferences = [f"{i:03}" for i in range(805)], np.full(805, level)
    delta = compare_win_rates(keys, preferences, keys, preferences, margin=MARGIN, draws=2)
    assert delta.saturated
    assert not delta.equivalent


@pytest.mark.parametrize(("low", "high", "saturated"), [(0.0, 0.05, True), (0.95, 1.0, True), (0.46, 0.54, False)])
def test_a_soft_judge_that_calls_every_answer_lost_won_or_neither_shows_no_equivalence(
    low: float, high: float, saturated: bool
) -> None:
    keys, y = [f"{i:03}" for i in range(805)], 1 + np.random.default_rng(0).uniform(low, high, (2, 805))
    delta = compare_win_rates(keys, y[0], keys, y[1], margin=MARGIN, draws=2)
    assert -MARGIN < delta.ci_low_90 < delta.ci_high_90 < MARGIN
    assert delta.saturated == saturated
    assert not delta.tells
    assert not delta.equivalent


def test_two_flips_of_two_and_five_of_sixty_four_are_no_finding() -> None:
    for n, flips, exact in ((8, 2, 0.5), (64, 5, 0.0625)):
        keys, run = [f"{i:03}" for i in range(n)], np.ones(n)
        run[:flips] = 2
        delta = compare_win_rates(keys, np.ones(n), keys, run, margin=MARGIN, draws=2)
        assert delta.p_sign_flip == pytest.approx(exact)
        assert delta.p_value >= exact


@pytest.mark.parametrize(("one_way", "other_way"), [(0, 0), (1, 0), (5, 5), (3, 12), (40, 9), (400, 300)])
def test_mcnemar_is_the_exact_binomial_test(one_way: int, other_way: int) -> None:
    expected = binomtest(one_way, one_way + other_way).pvalue if one_way + other_way else 1.0
    assert mcnemar_exact(one_way, other_way) == pytest.approx(expected, rel=1e-9)


def test_equivalence_holds_exactly_where_the_90_percent_interval_is_inside_the_margin() -> None:
    rng = np.random.default_rng(0)
    keys = [str(i) for i in range(805)]
    base = rng.random(805) < 0.3
    seen = set()
    for share in (0.01, 0.03, 0.1, 0.3):
        run = np.where(rng.random(805) < share, ~base, base)
        delta = compare_win_rates(keys, 1.0 + base, keys, 1.0 + run, margin=MARGIN, draws=100)
        inside = delta.ci_low_90 > -2 and delta.ci_high_90 < 2
        assert delta.equivalent == inside == (delta.equivalence_p < 0.05)
        if share > 0.05:  # many flips: the normal interval
            assert delta.ci_high_90 == pytest.approx(delta.estimate + 1.6448536 * delta.standard_error)
        seen.add(delta.equivalent)
    assert seen == {True, False}


def test_the_paired_interval_covers_93_to_97_percent_and_the_bootstrap_agrees() -> None:
    rng, covered, by_bootstrap = np.random.default_rng(5), 0, 0
    keys = [f"{i:03}" for i in range(300)]
    truth = np.mean(1 / (1 + np.exp(-rng.normal(0, 2, 1_000_000) - 0.3))) * 100 - 50
    for _ in range(500):
        ease = rng.normal(0, 2, 300)
        base, run = (rng.random(300) < 1 / (1 + np.exp(-ease - shift)) for shift in (0.0, 0.3))
        delta = compare_win_rates(keys, 1.0 + base, keys, 1.0 + run, margin=MARGIN, draws=300)
        covered += delta.ci_low <= truth <= delta.ci_high
        by_bootstrap += delta.bootstrap_ci_low <= truth <= delta.bootstrap_ci_high
    assert 0.93 <= covered / 500 <= 0.97
    assert 0.92 <= by_bootstrap / 500 <= 0.97
