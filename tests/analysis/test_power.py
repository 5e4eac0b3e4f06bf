"""Power before spending: what is promised is what a simulation finds."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from alpacabench.analysis.decision import ALPHA, POWER
from alpacabench.scoring.power import difference_found, prompts_needed
from tests.helpers.finished_runs import alpacabench, write_run
from tests.helpers.simulations import COMPARISONS, power

SETTINGS = (COMPARISONS, POWER, ALPHA)


@pytest.mark.parametrize("rounds", [120, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("spread", "soft"), [(22.3, False), (39.5, False), (39.5, True)])
def test_the_number_of_prompts_finds_five_points_in_80_percent(spread: float, soft: bool, rounds: int) -> None:
    found = power(prompts_needed(5, spread, *SETTINGS), spread, 5, rounds, soft)
    assert found == pytest.approx(0.8, abs=0.04 + (0 if rounds == 1000 else 2 * math.sqrt(0.16 / rounds)))


def test_few_soft_verdicts_find_it_less_often_but_mostly() -> None:
    assert 0.6 < power(prompts_needed(5, 22.3, *SETTINGS), 22.3, 5, 120, soft=True) < 0.85


def test_the_difference_that_prompts_find_needs_so_many() -> None:
    n = prompts_needed(5, 22.3, *SETTINGS)
    assert difference_found(n, 22.3, *SETTINGS) == pytest.approx(5, abs=0.02)
    assert difference_found(3, 22.3, *SETTINGS) is None
    assert prompts_needed(5, 22.3, 1, POWER, ALPHA) < n < prompts_needed(2.5, 22.3, *SETTINGS)


def test_the_command_takes_the_spread_from_runs(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    base = 1.0 + (rng.random(200) < 0.3)
    runs = [write_run(tmp_path / str(i), list(np.where(rng.random(200) < 0.1, 3 - base, base))) for i in range(2)]
    done = alpacabench("plan-power", *runs, "--comparisons", str(COMPARISONS), "--json")
    held = json.loads(done.stdout)
    assert held["n_pairs"] == 1
    assert 30 < held["spread"][0] < 55
    assert held["prompts_needed"] == [prompts_needed(5, held["spread"][0], *SETTINGS)]
    told = alpacabench("plan-power", "--spread", "20", "--prompts", "100").stdout
    assert "needs" in told and "as given" in told
    assert alpacabench("plan-power", "--difference", "0").returncode == 2
