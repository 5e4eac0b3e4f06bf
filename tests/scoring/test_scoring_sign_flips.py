from __future__ import annotations

import math

import numpy as np
import pytest

from alpacabench.analysis.decision import ALPHA
from alpacabench.scoring.multiplicity import holm
from alpacabench.scoring.sign_flips import best_p, compare_all, compare_with
from alpacabench.scoring.small_sample import mean_of, sign_flip_p

KINDS = ("hard", "rare", "soft", "skewed", "ties")


def equal_runs(rng: np.random.Generator, kind: str, runs: int, n: int) -> np.ndarray:
    """Return outcomes in points of runs that do not differ, shape (runs, prompts)."""
    if kind == "hard":
        return (rng.random((runs, n)) < rng.beta(0.3, 0.5, n)) * 100.0
    if kind == "rare":
        return (rng.random((runs, n)) < 0.05) * 100.0
    if kind == "soft":
        return np.clip(50 + rng.normal(0, 20, n) + rng.normal(0, 10, (runs, n)), 0, 100)
    if kind == "skewed":
        return rng.beta(0.1, 0.5, (runs, n)) * 100
    return rng.choice([0.0, 50.0, 100.0], p=[0.4, 0.3, 0.3], size=(runs, n))


def false_alarms(kind: str, runs: int, n: int, sweeps: int) -> dict[str, float]:
    """Return how often equal runs are told apart: by max-T, over all pairs, by Holm, and the best run from another."""
    rng = np.random.default_rng([runs, n, KINDS.index(kind)])
    found = dict.fromkeys(("max-T", "all pairs", "Holm", "best"), 0.0)
    for _ in range(sweeps):
        y = equal_runs(rng, kind, runs, n)
        p = [max(mean_of(d).two_sided_p(), sign_flip_p(d, draws=999)) for d in y[1:] - y[0]]
        found["max-T"] += compare_with(y, 0, draws=999).min() < ALPHA
        found["all pairs"] += compare_all(y, draws=999).min() < ALPHA
        found["Holm"] += holm(p).min() < ALPHA
        found["best"] += best_p(y, draws=999)[0] < ALPHA
    return {name: count / sweeps for name, count in found.items()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("runs", "n"), [(8, 5), (8, 12), (4, 32)])
def test_equal_runs_are_seldom_told_apart(kind: str, runs: int, n: int) -> None:
    sweeps = 120
    most = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / sweeps)
    assert all(rate <= most for rate in false_alarms(kind, runs, n, sweeps).values())


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("runs", [4, 8, 20])
@pytest.mark.parametrize(("n", "sweeps", "most"), [(5, 1000, 0.07), (12, 1000, 0.07), (32, 1000, 0.07),
                                                    (100, 1000, 0.07), (805, 200, 0.10)])  # fmt: skip
def test_the_family_error_is_nominal_at_every_size(kind: str, runs: int, n: int, sweeps: int, most: float) -> None:
    assert all(rate <= most for rate in false_alarms(kind, runs, n, sweeps).values())


def test_a_planted_difference_is_found_among_equal_runs() -> None:
    rng = np.random.default_rng(2)
    y = equal_runs(rng, "hard", 8, 400)
    y[3] = np.maximum(y[3], (rng.random(400) < 0.2) * 100.0)
    p = compare_with(y, 0)
    assert p[3] < 0.01
    assert np.delete(p, 3).min() > ALPHA
    table = compare_all(y)
    assert table[3, 0] == table[0, 3] < 0.01
    assert table.diagonal().tolist() == [1.0] * 8
    assert best_p(y)[3] == 1
    assert np.delete(best_p(y), 3).max() < ALPHA


def test_all_sign_patterns_are_listed_where_prompts_are_few() -> None:
    y = np.array([[0.0] * 6, [30.0, 20, 10, 40, 25, -5]])
    patterns = np.array(np.meshgrid(*[[-1, 1]] * 6)).reshape(6, -1).T @ y[1]
    assert compare_with(y, 0)[1] == pytest.approx(np.mean(np.abs(patterns) >= y[1].sum()))
