"""A judge's biases in its single verdicts: what is found, how large it is, and what it rests on."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from alpacabench.analysis.estimate import Estimate
from alpacabench.analysis.trust.finding import FEW, Part, share, unknown
from alpacabench.analysis.trust.judged import Judged, mean
from alpacabench.scoring.arrays import Floats, standard_error
from alpacabench.scoring.normal import Z_95
from alpacabench.scoring.small_sample import mean_of, sign_flip_p

DRAWS = 4_999
"""Random placings, for the p-value of a gap between prompts of which each was shown in one place."""
CELLS = 1 << 21
"""Places drawn at a time."""
ORDERS = 50.0
"""Percent of prompts with a winner in both orders that must have the same one: a judge that does not look at the order
has at least half, however noisy it is, and fewer where the order decides."""
LONGER = 64.0
"""Percent in which the longer answer wins with people (MEASUREMENT 4.1 of AlpacaFarm's human labels)."""
UNREADABLE = 5.0
"""Percent of verdicts that may be missing."""


def biases(verdicts: Sequence[Judged]) -> list[Part]:
    """Return what the places, the orders, the lengths and the gaps say of a judge."""
    return [position(verdicts), order(verdicts), length(verdicts), unreadable(verdicts)]


def position(verdicts: Sequence[Judged]) -> Part:
    """Return the gap between the model shown second and shown first: paired where both orders were judged.

    Unpaired, the p-value is that of the design: the place is drawn for each prompt like a coin, so that without a bias
    every other drawing would have been as likely.
    """
    first, second = (by_prompt(v for v in verdicts if v.model_first is place) for place in (True, False))
    both = sorted(first.keys() & second.keys())
    if len(both) >= FEW:
        gaps = np.array([second[prompt] - first[prompt] for prompt in both]) * 100
        p, how = max(mean_of(gaps).two_sided_p(), sign_flip_p(gaps)), f"on {len(both)} prompts judged in both orders"
        estimate = Estimate.of_differences(gaps)
    elif min(len(first), len(second)) >= FEW:
        one, two = (np.array(list(side.values())) * 100 for side in (first, second))
        half = Z_95 * math.hypot(standard_error(one), standard_error(two))
        value = float(two.mean() - one.mean())
        estimate, p = Estimate(value, value - half, value + half), _of_placing(one, two)
        how = "on different prompts in each place: judge.order=both would compare the same ones"
    else:
        return unknown("position", f"fewer than {FEW} prompts in each place")
    what = f"shown second instead of first, the model's win rate changes by {estimate.text(signed=True)} points, {how}"
    return Part("position", what, estimate, p)


def order(verdicts: Sequence[Judged]) -> Part:
    """Return how often both orders have the same winner, over the prompts with a winner in both."""
    first, second = (by_prompt(v for v in verdicts if v.model_first is place) for place in (True, False))
    both = sorted(first.keys() & second.keys())
    sides = np.array([[np.sign(side[prompt] - 0.5) for side in (first, second)] for prompt in both])
    won = sides[np.all(sides != 0, axis=1)] if len(sides) else sides
    if len(won) < FEW:
        return unknown("order", f"fewer than {FEW} prompts have a winner in both orders: judge.order=both")
    same = (won[:, 0] == won[:, 1]).astype(np.float64)
    return share("order", same, ORDERS, "less", f"of {len(won)} prompts with a winner in both orders have the same one")


def length(verdicts: Sequence[Judged]) -> Part:
    """Return how often the longer answer wins, the mean of both sides, so that a better model makes no preference.

    Whether longer answers were better here only `judge.canaries` or labels can tell; people prefer them, too. The
    p-value's error is the largest that shares with this mean can have.
    """
    from scipy.special import ndtr

    sides: dict[bool, dict[object, list[float]]] = {True: defaultdict(list), False: defaultdict(list)}
    for v in verdicts:
        if v.longer and not math.isnan(v.y):
            sides[v.longer > 0][v.prompt].append(v.y if v.longer > 0 else 1 - v.y)
    longer, shorter = (np.array([mean(ys) for ys in sides[side].values()]) * 100 for side in (True, False))
    if min(len(longer), len(shorter)) < FEW:
        what = f"the model's answer is the longer one, or the shorter one, in fewer than {FEW} prompts"
        return unknown("length", what)
    value = float(longer.mean() + shorter.mean()) / 2
    half = Z_95 * math.hypot(standard_error(longer), standard_error(shorter)) / 2
    by_chance = math.sqrt(LONGER * (100 - LONGER) * (1 / len(longer) + 1 / len(shorter))) / 2
    estimate = Estimate(value, max(0.0, value - half), min(100.0, value + half))
    p = float(ndtr((LONGER - value) / by_chance))
    return Part("length", f"the longer answer wins {estimate.percent()}; with people {LONGER:g}%", estimate, p)


def unreadable(verdicts: Sequence[Judged]) -> Part:
    """Return the share of verdicts that are missing."""
    missing: dict[int, list[float]] = defaultdict(list)
    for verdict in verdicts:
        missing[verdict.prompt].append(float(math.isnan(verdict.y)))
    if len(missing) < FEW:
        return unknown("unreadable", f"fewer than {FEW} prompts were judged")
    shares = np.array([mean(of_prompt) for of_prompt in missing.values()])
    return share("unreadable", shares, UNREADABLE, "greater", "of verdicts are missing")


def by_prompt(verdicts: Iterable[Judged]) -> dict[int, float]:
    """Return the mean y of each prompt that has any."""
    found: dict[int, list[float]] = defaultdict(list)
    for verdict in verdicts:
        if not math.isnan(verdict.y):
            found[verdict.prompt].append(verdict.y)
    return {prompt: mean(values) for prompt, values in found.items()}


def _of_placing(one: Floats, two: Floats, seed: int = 0) -> float:
    y, seen = np.concatenate([one, two]), abs(float(two.mean() - one.mean()))
    rng, blocks = np.random.default_rng(seed), list[Floats]()
    # The generator draws four at once: blocks of a multiple of four are drawn as all of them would be.
    block = 4 * max(1, CELLS // len(y) // 4)
    for start in range(0, DRAWS, block):
        shape = min(block, DRAWS - start), len(y)
        places = rng.integers(0, 2, size=shape, dtype=np.int8).astype(np.float32)
        blocks.append(np.stack([places.sum(axis=1), places @ y.astype(np.float32)]))
    placed, sums = np.concatenate(blocks, axis=1)
    there = np.clip(placed, 1, len(y) - 1)
    gaps = np.abs(sums / there - (y.sum() - sums) / (len(y) - there))
    return float((1 + np.sum(gaps >= seen - 1e-4)) / (1 + DRAWS))
