from __future__ import annotations

import numpy as np
import pytest

from alpacabench.scoring.design import slot_balanced, stratified, stratified_error
from alpacabench.scoring.win_rate import score_win_rate


def test_the_stratified_error_is_that_of_repeated_proportional_draws() -> None:
    rng = np.random.default_rng(0)
    levels = {"easy": 0.95, "even": 0.5, "hard": 0.05}
    strata = [name for name in levels for _ in range(20)]
    drawn = [[float(rng.random() < levels[name]) for name in strata] for _ in range(1500)]
    stated = np.mean([stratified_error(y, strata) for y in drawn])
    assert stated == pytest.approx(np.std([np.mean(y) for y in drawn]), rel=0.06)
    rate = score_win_rate(1 + np.array(drawn[0]))
    narrower = stratified(rate, drawn[0], strata)
    assert narrower.win_rate == rate.win_rate
    assert narrower.standard_error < 0.8 * rate.standard_error
    assert rate.win_rate_ci_low < narrower.win_rate_ci_low < narrower.win_rate_ci_high < rate.win_rate_ci_high


def test_strata_of_one_prompt_are_put_together() -> None:
    y = [0.0, 1.0, 0.0, 1.0]
    assert stratified_error(y, list("abcd")) == pytest.approx(np.std(y, ddof=1) / 2)
    assert stratified_error(y, list("aaab")) == pytest.approx(np.std(y, ddof=1) / 2)
    assert np.isnan(stratified_error([1.0], ["a"]))


def test_gaps_in_one_order_weigh_no_slot_more() -> None:
    """Finding 11: half of one slot's verdicts missing leaves a balanced win rate at 50."""
    first = np.where(np.arange(40) % 2, 2.0, np.nan)  # half of this slot's verdicts are missing
    second = np.full(40, 1.0)
    rate = score_win_rate(np.nanmean([first, second], axis=0))
    assert rate.win_rate == 25
    balanced = slot_balanced(rate, first, second)
    assert balanced.win_rate == 50
    assert balanced.n_failed == 0


@pytest.mark.parametrize(("n", "strata"), [(12, 5), (32, 10), (100, 5)])
def test_intervals_of_strata_that_are_alike_by_chance_cover(n: int, strata: int) -> None:
    """Few prompts of a stratum are often all won or all lost: its spread is 0 then, and the interval is not."""
    rng, covered = np.random.default_rng(1), 0
    for _ in range(400):
        chance, of = rng.beta(0.2, 0.2, strata), np.arange(n) % strata
        y = (rng.random(n) < chance[of]).astype(float)
        rate = stratified(score_win_rate(1 + y, 100), y, [str(one) for one in of])
        covered += rate.win_rate_ci_low <= 100 * chance[of].mean() <= rate.win_rate_ci_high
    assert covered / 400 >= 0.93
    lost = stratified(score_win_rate(1 + np.repeat([0.0, 1.0], 6)), np.repeat([0.0, 1.0], 6), ["a"] * 6 + ["b"] * 6)
    assert lost.standard_error == 0
    assert lost.win_rate_ci_low < 40 < 60 < lost.win_rate_ci_high
