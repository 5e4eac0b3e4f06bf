"""Simulations with a known truth: what `make validation` tabulates and the tests run at reduced counts."""

from __future__ import annotations

import numpy as np

from alpacabench.analysis.decision import ALPHA, MARGIN
from alpacabench.analysis.gate.decision import decide
from alpacabench.analysis.gate.series import share
from alpacabench.scoring.arrays import Floats
from alpacabench.scoring.multiplicity import holm
from alpacabench.scoring.sign_flips import best_p, compare_all, compare_with
from alpacabench.scoring.small_sample import mean_of, sign_flip_p
from alpacabench.scoring.win_rate import mean_interval

KINDS = ("hard", "rare", "soft", "skewed", "ties")
SHAPES = ("flips", "rare losses", "rare wins")
"""Of the differences at the gate's margin."""
RARE = 0.02
DRAWS = 999
COMPARISONS = 11


def equal_runs(rng: np.random.Generator, kind: str, runs: int, n: int) -> Floats:
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
        p = [max(mean_of(d).two_sided_p(), sign_flip_p(d, draws=DRAWS)) for d in y[1:] - y[0]]
        found["max-T"] += compare_with(y, 0, draws=DRAWS).min() < ALPHA
        found["all pairs"] += compare_all(y, draws=DRAWS).min() < ALPHA
        found["Holm"] += holm(p).min() < ALPHA
        found["best"] += best_p(y, draws=DRAWS)[0] < ALPHA
    return {name: count / sweeps for name, count in found.items()}


def flips(rng: np.random.Generator, n: int, won: float, lost: float, soft: float = 0.0) -> Floats:
    """Return differences in points: a share of prompts won, another lost, the rest nearly unchanged."""
    moved = rng.random(n)
    return 100.0 * (moved < won) - 100.0 * (moved > 1 - lost) + soft * rng.normal(0, 1, n)


def paired_intervals(n: int, won: float, lost: float, rounds: int) -> tuple[float, float]:
    """Return the coverage of the paired 95% interval, and how often the two are called equivalent."""
    rng, truth, covered, equivalent = np.random.default_rng([n, rounds]), 100 * (won - lost), 0, 0
    for _ in range(rounds):
        known = mean_of(flips(rng, n, won, lost, soft=0.3))
        low, high = known.interval()
        covered += low <= truth <= high
        low, high = known.interval(0.9)
        equivalent += low > -MARGIN and high < MARGIN
    return covered / rounds, equivalent / rounds


def win_rate_intervals(kind: str, n: int, rounds: int) -> float:
    """Return the coverage of the 95% interval of one run's win rate."""
    rng = np.random.default_rng([n, len(kind)])
    truth = float(np.mean(equal_runs(rng, kind, 400, 500))) / 100
    intervals = (mean_interval(equal_runs(rng, kind, 1, n)[0] / 100, draws=DRAWS) for _ in range(rounds))
    return sum(low <= truth <= high for low, high, _ in intervals) / rounds


def null_pairs(n: int, level: float, seed: int) -> Floats:
    """Return differences of two decodes of one system, in points: each prompt has its own chance of a win."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(level * 0.4, (1 - level) * 0.4, n)
    wins = rng.random((2, n)) < chance
    soft = rng.uniform(0, 0.05, (2, n))
    y = np.where(wins, 1 - soft, soft)
    return (y[1] - y[0]) * 100


def false_blocks(n: int, level: float, rounds: int) -> float:
    """Return how often the gate blocks a run that does not differ from its base."""
    return sum(_blocks(n, level, seed, ALPHA) for seed in range(rounds)) / rounds


def losses_of(margin: float, shape: str, rng: np.random.Generator, n: int) -> Floats:
    """Return differences in points whose true mean is a loss of just the margin."""
    if shape == "flips":
        return flips(rng, n, 0.06, 0.06 + margin / 100)
    if shape == "rare losses":
        return flips(rng, n, 0.0, margin / 100)
    won = rng.random(n) < RARE  # the rest lose a little each, and alike
    return np.where(won, 100.0, rng.normal(-(margin + 100 * RARE) / (1 - RARE), 0.1, n))


def false_blocks_at_margin(n: int, margin: float, shape: str, rounds: int) -> float:
    """Return how often the gate blocks a run that loses just what is tolerated."""
    rng = np.random.default_rng([n, SHAPES.index(shape)])
    found = [decide(losses_of(margin, shape, rng, n), margin, ALPHA, draws=DRAWS).verdict for _ in range(rounds)]
    return found.count("block") / rounds


def false_series(rounds: int, gates: int = 20) -> float:
    """Return how often any of several null gates of one series blocks."""
    return (
        sum(
            any(_blocks(100, 0.3, 1000 * seed + number, ALPHA * share(number)) for number in range(1, gates + 1))
            for seed in range(rounds)
        )
        / rounds
    )


def _blocks(n: int, level: float, seed: int, alpha: float) -> bool:
    return decide(null_pairs(n, level, seed), 0, alpha, draws=DRAWS).verdict == "block"


def power(
    n: int, spread: float, difference: float, rounds: int, soft: bool = False, comparisons: int = COMPARISONS
) -> float:
    """Return how often a planted difference is established among null comparisons, after Holm.

    Whole verdicts with a difference D differ by sqrt(D (100 - D)) points or more, then all one way.
    """
    rng = np.random.default_rng([rounds, n, comparisons])
    return sum(_finds(_planted(rng, (comparisons, n), spread, difference, soft)) for _ in range(rounds)) / rounds


def _planted(rng: np.random.Generator, shape: tuple[int, int], spread: float, difference: float, soft: bool) -> Floats:
    """Return differences in points, shape (comparisons, prompts), the first with a true difference."""
    if soft:
        d = rng.normal(0, spread, shape)
        d[0] += difference
        return d
    share = difference / 100
    won = (max(share, (spread / 100) ** 2 + share**2) + share) / 2
    lost = np.full(shape[0], won)
    lost[0] = won - share
    moved = rng.random(shape)
    return 100.0 * (moved < won) - 100.0 * (moved > 1 - lost[:, None])


def _finds(d: Floats) -> bool:
    return bool(holm([_claim_p(row, ALPHA / len(d)) for row in d])[0] < ALPHA)


def _claim_p(d: Floats, level: float) -> float:
    """Return the p-value of a claim; the sign flips are not drawn where the t test makes none."""
    p = mean_of(d).two_sided_p()
    return max(p, sign_flip_p(d)) if p < level else p
