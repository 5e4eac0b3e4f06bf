"""Power before spending: what is promised is what a simulation finds."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from alpacabench.analysis.decision import ALPHA, POWER
from alpacabench.scoring.power import (
    MOST,
    POINTS,
    Claim,
    _binomial_quantiles,
    difference_found,
    prompts_needed,
    whole_share,
)
from tests.helpers.finished_runs import alpacabench, write_run
from tests.helpers.simulations import COMPARISONS, power

CLAIM = Claim(COMPARISONS, POWER, ALPHA)
SOFT = pytest.mark.parametrize("soft", [False, True])


def near(found: float, rounds: int) -> bool:
    """Return whether 80% of the rounds, give or take 4 points, found it."""
    return abs(found - 0.8) <= 0.04 + (0 if rounds == 1000 else 2 * math.sqrt(0.16 / rounds))


@pytest.mark.parametrize("rounds", [120, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("spread", [22.3, 39.5])
@SOFT
def test_the_number_of_prompts_finds_five_points_in_80_percent(spread: float, soft: bool, rounds: int) -> None:
    n = prompts_needed(5, spread, CLAIM, 0.0 if soft else 1.0)
    assert near(power(n, spread, 5, rounds, soft), rounds)


@pytest.mark.slow
@pytest.mark.parametrize("comparisons", [1, 11, 19])
@pytest.mark.parametrize("difference", [3, 5, 10])
@pytest.mark.parametrize("spread", [15, 22.3, 30, 39.5])
@SOFT
def test_every_difference_is_found_with_the_promised_power(
    spread: float, difference: float, comparisons: int, soft: bool
) -> None:
    n = prompts_needed(difference, spread, Claim(comparisons, POWER, ALPHA), 0.0 if soft else 1.0)
    assert near(power(n, spread, difference, 400, soft, comparisons), 400)


def test_verdicts_that_are_partly_whole_need_a_number_between() -> None:
    rng = np.random.default_rng(0)
    whole, soft = 100.0 * (rng.random(4000) < 0.05), rng.normal(0, 22, 4000)
    assert (whole_share(whole), whole_share(np.zeros(9))) == (pytest.approx(1), 1)
    assert whole_share(soft) < 0.1 < 0.3 < whole_share(whole + soft / 2) < 0.9
    few, some, many = (prompts_needed(5, 22.3, CLAIM, share) for share in (1.0, 0.6, 0.0))
    assert few < some < many


def test_the_difference_that_prompts_find_needs_so_many() -> None:
    for whole in (0.0, 1.0):
        n = prompts_needed(5, 22.3, CLAIM, whole)
        assert difference_found(n, 22.3, CLAIM, whole) == pytest.approx(5, abs=0.02)
        assert difference_found(3, 22.3, CLAIM, whole) is None
        assert prompts_needed(5, 22.3, replace(CLAIM, comparisons=1), whole) < n < prompts_needed(2.5, 22.3, CLAIM)


def test_any_setting_has_an_answer() -> None:
    for difference, spread, whole in ((0.01, 39.5, 1.0), (99.9, 0.1, 0.0), (99.9, 100, 1.0), (50, 1e-6, 0.0)):
        assert 2 <= prompts_needed(difference, spread, Claim(1000, 0.99, 1e-3), whole) < MOST


def test_the_command_takes_the_spread_from_runs(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    base = 1.0 + (rng.random(200) < 0.3)
    runs = [write_run(tmp_path / str(i), list(np.where(rng.random(200) < 0.1, 3 - base, base))) for i in range(2)]
    done = alpacabench("plan-power", *runs, "--comparisons", str(COMPARISONS), "--json")
    held = json.loads(done.stdout)
    assert held["n_pairs"] == 1
    assert 30 < held["spread"][0] < 55 and held["whole"] == pytest.approx(1, abs=0.01)
    assert held["prompts_needed"] == [prompts_needed(5, held["spread"][0], CLAIM, held["whole"])]
    told = alpacabench("plan-power", "--spread", "20", "--prompts", "100").stdout
    assert "where they are soft" in told and "as given" in told
    assert alpacabench("plan-power", "--difference", "0").returncode == 2


@pytest.mark.parametrize("n", [2, 5, 17, 96, 805, 100_000])
@pytest.mark.parametrize("p", [0.0, 1e-6, 0.01, 0.37, 0.5, 0.9, 0.9999, 1.0])
def test_quantiles_of_a_binomial_are_scipys(n: int, p: float) -> None:
    shares = (np.arange(POINTS) + 0.5) / POINTS
    assert _binomial_quantiles(shares, n, p).tolist() == binom.ppf(shares, n, p).tolist()
