"""A judge's biases in its single verdicts: what is found, how large it is, and what it rests on.

Each test asks whether a bias is established beyond a bound that honest judges keep; `examine` adjusts all of them
together by Holm, so that an unbiased judge is flagged in 5% of runs at most, whatever the number of tests.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from alpacabench.analysis.decision import ALPHA
from alpacabench.analysis.estimate import Estimate
from alpacabench.analysis.trust.judged import Judged
from alpacabench.scoring.arrays import Floats, standard_error
from alpacabench.scoring.multiplicity import holm
from alpacabench.scoring.small_sample import mean_of, sign_flip_p

Status = Literal["ok", "flag", "unknown"]
FEW = 30
"""Prompts below which a test of a judge says nothing."""
FLIPS = 25.0
"""Percent of repeated verdicts that may differ from the first; beyond, one in four is the judge's mood."""
ORDERS = 50.0
"""Percent of prompts that must have the same winner in both orders; fewer than a coin's, and order decides."""
LONGER = 64.0
"""Percent in which the longer answer wins with people (MEASUREMENT 4.1 of AlpacaFarm's human labels)."""
UNREADABLE = 5.0
"""Percent of verdicts that may be missing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One question about a judge, and its answer."""

    name: str
    verdict: Status
    evidence: str
    """One sentence with the figures."""
    value: float | None = None
    """In percent or points, as the evidence says; None where it is not known."""
    interval: tuple[float, float] | None = None
    p_value: float | None = None
    """Adjusted for all tests of the judge; None where nothing was tested."""


@dataclass(frozen=True, slots=True)
class Tested:
    """A test before its p-value is adjusted."""

    name: str
    estimate: Estimate
    p: float
    evidence: str


def examine(verdicts: Sequence[Judged]) -> list[Finding]:
    """Return the findings on one judge's verdicts; what could not be tested is unknown, with the reason."""
    found = [position(verdicts), order(verdicts), repeats(verdicts), length(verdicts), unreadable(verdicts)]
    tested = [one for one in found if isinstance(one, Tested)]
    adjusted = dict(zip((one.name for one in tested), holm([one.p for one in tested]), strict=True))
    return [_decided(one, float(adjusted[one.name])) if isinstance(one, Tested) else one for one in found]


def position(verdicts: Sequence[Judged]) -> Tested | Finding:
    """Return the gap between the model shown second and shown first: paired where both orders were judged."""
    first, second = (_by_prompt(v for v in verdicts if v.model_first is place) for place in (True, False))
    both = sorted(first.keys() & second.keys())
    if len(both) >= FEW:
        gaps = np.array([second[prompt] - first[prompt] for prompt in both]) * 100
        known = mean_of(gaps)
        p, how = max(known.two_sided_p(), sign_flip_p(gaps)), f"{len(both)} prompts judged in both orders"
        estimate = Estimate.of_differences(gaps)
    elif min(len(first), len(second)) >= FEW:
        from scipy import stats

        one, two = (np.array(list(side.values())) * 100 for side in (first, second))
        value, error = float(two.mean() - one.mean()), math.hypot(standard_error(one), standard_error(two))
        half = stats.norm.ppf(0.975) * error
        estimate = Estimate(value, value - half, value + half)
        p = float(stats.ttest_ind(one, two, equal_var=False).pvalue) if error else float(value == 0)
        how = "different prompts in each order: judge.order=both would compare the same ones"
    else:
        return _unknown("position", f"fewer than {FEW} prompts in each place")
    return Tested(
        "position", estimate, p, f"shown second, the model wins {estimate.text(signed=True)} points more ({how})"
    )


def order(verdicts: Sequence[Judged]) -> Tested | Finding:
    """Return how often both orders have the same winner."""
    first, second = (_by_prompt(v for v in verdicts if v.model_first is place) for place in (True, False))
    both = sorted(first.keys() & second.keys())
    if len(both) < FEW:
        return _unknown("order", f"fewer than {FEW} prompts were judged in both orders: judge.order=both")
    same = np.array([np.sign(first[prompt] - 0.5) == np.sign(second[prompt] - 0.5) for prompt in both], dtype=float)
    return _share("order", same, ORDERS, "less", "of prompts have the same winner in both orders")


def repeats(verdicts: Sequence[Judged]) -> Tested | Finding:
    """Return how often a verdict asked again has another winner than the first time."""
    asked: dict[tuple[object, ...], list[float]] = defaultdict(list)
    for verdict in sorted(verdicts, key=lambda v: v.repeat):
        if not math.isnan(verdict.y):
            asked[(verdict.prompt, verdict.sample, verdict.model_first)].append(verdict.y)
    flips: dict[object, list[float]] = defaultdict(list)
    for (prompt, *_), values in asked.items():
        sides = np.sign(np.array(values) - 0.5)
        if len(sides) > 1:
            flips[prompt].append(float(np.mean(sides[1:] != sides[0])))
    if len(flips) < FEW:
        return _unknown("repeats", f"fewer than {FEW} prompts were judged more than once: judge.repeats=2")
    shares = np.array([np.mean(values) for values in flips.values()])
    return _share("repeats", shares, FLIPS, "greater", "of verdicts asked again have another winner")


def length(verdicts: Sequence[Judged]) -> Tested | Finding:
    """Return how often the longer answer wins, the mean of both sides, so that a better model makes no preference.

    Whether longer answers were better here only `judge.canaries` or labels can tell; people prefer them, too.
    """
    sides: dict[bool, dict[object, list[float]]] = {True: defaultdict(list), False: defaultdict(list)}
    for v in verdicts:
        if v.longer and not math.isnan(v.y):
            sides[v.longer > 0][v.prompt].append(v.y if v.longer > 0 else 1 - v.y)
    longer, shorter = (np.array([np.mean(ys) for ys in sides[side].values()]) * 100 for side in (True, False))
    if min(len(longer), len(shorter)) < FEW:
        return _unknown(
            "length", f"the model's answer is the longer one, or the shorter one, in fewer than {FEW} prompts"
        )
    from scipy.stats import norm

    value = float(longer.mean() + shorter.mean()) / 2
    error = math.hypot(standard_error(longer), standard_error(shorter)) / 2
    p = float(norm.sf((value - LONGER) / error)) if error else float(value <= LONGER)
    estimate = Estimate(value, max(0.0, value - 1.96 * error), min(100.0, value + 1.96 * error))
    return Tested("length", estimate, p, f"the longer answer wins {estimate.percent()}; with people {LONGER:g}%")


def unreadable(verdicts: Sequence[Judged]) -> Tested | Finding:
    """Return the share of verdicts that are missing."""
    if len(verdicts) < FEW:
        return _unknown("unreadable", f"fewer than {FEW} verdicts")
    missing = np.array([math.isnan(verdict.y) for verdict in verdicts], dtype=float)
    return _share("unreadable", missing, UNREADABLE, "greater", "of verdicts are missing")


def _share(name: str, values: Floats, bound: float, way: Literal["less", "greater"], what: str) -> Tested:
    """Test a share against its bound: exactly where it counts, by its error where prompts hold several verdicts."""
    from scipy import stats

    estimate = Estimate.of_shares(values)
    if np.all(np.isin(values, (0, 1))):
        p = float(stats.binomtest(int(values.sum()), len(values), bound / 100, alternative=way).pvalue)
    elif np.ptp(values) == 0:
        beyond = values[0] * 100 - bound
        p = float((beyond if way == "greater" else -beyond) <= 0)
    else:
        p = float(stats.ttest_1samp(values * 100, bound, alternative=way).pvalue)
    return Tested(name, estimate, p, f"{estimate.percent()} {what}")


def _by_prompt(verdicts: Iterable[Judged]) -> dict[int, float]:
    found: dict[int, list[float]] = defaultdict(list)
    for verdict in verdicts:
        if not math.isnan(verdict.y):
            found[verdict.prompt].append(verdict.y)
    return {prompt: float(np.mean(values)) for prompt, values in found.items()}


def _decided(one: Tested, p: float) -> Finding:
    return Finding(
        one.name, "flag" if p < ALPHA else "ok", one.evidence, one.estimate.value, one.estimate.interval, min(1.0, p)
    )


def _unknown(name: str, why: str) -> Finding:
    return Finding(name, "unknown", why)
