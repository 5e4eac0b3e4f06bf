"""Findings 5 to 18 of an audit of the claims: each has a test that names it, with the right value."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from alpacabench.analysis.estimate import Estimate
from alpacabench.analysis.sentences import run as run_says
from alpacabench.analysis.sentences import sweep as sweep_says
from alpacabench.scoring.win_rate import slot_p
from tests.helpers.planted import Planted
from tests.helpers.points import points
from tests.helpers.said import table_of

TESTS = Path(__file__).parents[1]


def test_every_finding_has_a_test() -> None:
    named = {int(n) for path in TESTS.rglob("test_*.py") for n in re.findall(r'"""Finding (\d+):', path.read_text())}
    assert named == set(range(5, 19))


def test_a_gap_of_a_judge_that_cannot_see_the_order_may_be_chance() -> None:
    """Finding 10: a gap of -7.7 points with a standard error of 12.8 is called chance, and no bias."""
    first = np.array([1.0] * 7 + [0.0] * 6)
    second = np.array([1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    gap, error = (second - first).mean() * 100, (second - first).std(ddof=1) / np.sqrt(13) * 100
    assert round(gap, 1) == -7.7 and slot_p(1 + first, 1 + second) > 0.5
    metrics = {"position_gap": gap, "position_gap_se": error, "order_consistency": 0.6}
    rate = Estimate(50.0, 25.0, 75.0)
    facts = run_says.RunFacts("model", "reference", rate, [50.0] * 13, metrics, slots=(1 + first, 1 + second))
    told = [text for text in run_says.findings(facts) if text.startswith("Shown second")]
    assert len(told) == 1 and told[0].endswith("that may be chance.") and "bias" not in told[0]


def test_the_winner_of_a_race_is_the_best_and_equal_settings_tie() -> None:
    """Finding 17: whom all others were stopped for is the best, and where all jobs tie none is the highest."""
    race = [one for one in points() if one.name == "best.race"]
    assert race and all(one.true and "every other setting was stopped, shown to be worse" in one.text for one in race)
    equal = table_of(Planted("hard", 60, (40.0,) * 3, copies=True).draw(0))
    told = [sweep_says.headline(equal), *sweep_says.findings(equal)]
    assert any(text.startswith("All settings have the same win rate") for text in told)
    assert not [text for text in told if "has the highest" in text]
