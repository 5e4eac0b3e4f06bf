"""Agreement beyond chance, between a judge and people and among people, with intervals over prompts.

Ratings are preferences in [1, 2], of which the side counts: reference, draw or model; NaN is no answer. The values are
scikit-learn's and krippendorff's, the intervals percentile bootstraps of prompts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from alpacabench.analysis.estimate import Estimate
from alpacabench.core.errors import DataError
from alpacabench.scoring.arrays import Floats, bootstrap_counts, outcomes, percentile_interval, same_length

DRAWS = 2_000
LEAST_DEFINED = 0.95
"""Share of resamples that must hold more than one side: kappa and alpha are not defined on one side alone."""
SIDES = (-1, 0, 1)


def kappa(one: ArrayLike, other: ArrayLike, draws: int = DRAWS, seed: int = 0) -> Estimate | None:
    """Return Cohen's kappa of two raters, shapes (prompts,), over the prompts that both rated; None where undefined.

    Source: Cohen 1960, Educational and Psychological Measurement 20.

    Raises:
        DataError: columns of different length, or a preference out of range.

    """
    from sklearn.metrics import cohen_kappa_score

    same_length(one=np.asarray(one), other=np.asarray(other))
    a, b = sides(one), sides(other)
    known = ~np.isnan(a + b)
    a, b = a[known], b[known]
    if not len(a) or len(np.unique(np.concatenate([a, b]))) < 2:
        return None
    cells = ((a + 1) * len(SIDES) + b + 1).astype(int)
    tables = bootstrap_counts(len(a), draws, seed) @ np.eye(len(SIDES) ** 2)[cells]
    tables = tables.reshape(draws, len(SIDES), len(SIDES)) / len(a)
    agreed = np.trace(tables, axis1=1, axis2=2)
    chance = np.sum(tables.sum(axis=1) * tables.sum(axis=2), axis=1)
    return _with_interval(float(cohen_kappa_score(a, b)), agreed - chance, 1 - chance, len(a))


def alpha(ratings: ArrayLike, draws: int = DRAWS, seed: int = 0) -> Estimate | None:
    """Return Krippendorff's nominal alpha, shape (raters, prompts); None where nothing can agree or differ.

    Source: Krippendorff 2011, Computing Krippendorff's alpha-reliability.
    """
    import krippendorff

    rated = sides(ratings)
    counts = np.stack([np.sum(rated == side, axis=0) for side in SIDES], axis=1).astype(np.float64)
    counts = counts[counts.sum(axis=1) > 1]
    if not len(counts) or np.count_nonzero(counts.sum(axis=0)) < 2:
        return None
    value = float(krippendorff.alpha(value_counts=counts.astype(int), level_of_measurement="nominal"))
    size = counts.sum(axis=1)
    # Of each prompt: its raters' pairs that differ, as its share of the coincidence matrix.
    differing = (size**2 - np.sum(counts**2, axis=1)) / (size - 1)
    drawn = bootstrap_counts(len(counts), draws, seed)
    totals = drawn @ counts
    n = totals.sum(axis=1)
    by_chance = (n**2 - np.sum(totals**2, axis=1)) / (n - 1)
    return _with_interval(value, by_chance - drawn @ differing, by_chance, len(counts))


def agreement_share(one: ArrayLike, other: ArrayLike) -> Estimate | None:
    """Return the percentage of prompts on which both raters take the same side, with Wilson's interval."""
    a, b = sides(one), sides(other)
    known = ~np.isnan(a + b)
    return Estimate.of_shares((a[known] == b[known]).astype(np.float64)) if known.any() else None


@dataclass(frozen=True, slots=True)
class Replacement:
    """Whether a judge may stand in for the people who labelled."""

    winning_rate: float
    """Share of people whom the judge is shown not to fall short of by more than epsilon."""
    advantage: float
    """Mean chance that the judge agrees with the others at least as well as the person left out does."""
    passes: bool
    p_values: tuple[float, ...]
    """Of each person, before the adjustment."""
    epsilon: float


MIN_PEOPLE, MIN_PROMPTS = 3, 30
"""What the alternative-annotator test asks for: a person left out needs two others."""


def alternative_annotator(
    judge: ArrayLike, people: ArrayLike, epsilon: float = 0.2, level: float = 0.05
) -> Replacement | None:
    """Return the alternative-annotator test; None with fewer than three people or 30 prompts of any of them.

    Each person in turn is compared with the judge by who agrees better with the other people; one-sided t tests of the
    difference against epsilon, adjusted by Benjamini and Yekutieli; the judge passes where it wins against half.
    Source: Calderon, Reichart and Dror 2025, arXiv 2501.10970.

    Args:
        judge: preferences, shape (prompts,).
        people: preferences, shape (people, prompts).
        epsilon: what the cheaper rater may fall short by; the paper's 0.2 is for experts, 0.15 and 0.1 for skilled
            workers and crowds.
        level: the false discovery rate.

    """
    from scipy import stats

    verdicts, labels = sides(judge), sides(people)
    if labels.ndim != 2 or labels.shape[1] != len(verdicts):
        raise DataError(f"labels of shape {labels.shape} for {len(verdicts)} verdicts; give one row for each person.")
    gaps = []
    for person, own in enumerate(labels):
        others = np.delete(labels, person, axis=0)
        known = ~np.isnan(own) & ~np.isnan(verdicts) & np.any(~np.isnan(others), axis=0)
        gaps.append(_agrees(own, others)[known] - _agrees(verdicts, others)[known])
    if len(gaps) < MIN_PEOPLE or min(map(len, gaps)) < MIN_PROMPTS:
        return None
    # One who agrees as well has won as well: the difference of both indicators is the sign.
    signs = [np.sign(np.where(np.abs(gap) < 1e-9, 0, gap)) for gap in gaps]
    p = [_t_below(sign, epsilon, stats.ttest_1samp) for sign in signs]
    rejected = stats.false_discovery_control(p, method="by") <= level
    rate = float(np.mean(rejected))
    advantage = float(np.mean([np.mean(sign <= 0) for sign in signs]))
    return Replacement(rate, advantage, rate >= 0.5, tuple(p), epsilon)


def sides(preferences: ArrayLike) -> Floats:
    """Return -1 for the reference, 0 for a draw, 1 for the model; NaN where there is no verdict."""
    given = np.asarray(preferences, dtype=np.float64)
    return np.asarray(np.sign(outcomes(given.ravel()) - 0.5).reshape(given.shape), dtype=np.float64)


def _t_below(values: Floats, bound: float, test: object) -> float:
    if np.ptp(values) == 0:
        return float(values[0] >= bound)
    return float(test(values, bound, alternative="less").pvalue)  # type: ignore[operator]


def _agrees(rater: Floats, others: Floats) -> Floats:
    """Return the share of the others that a rater agrees with, by prompt; NaN where there are none."""
    count = np.sum(~np.isnan(others), axis=0)
    return np.asarray(np.sum(others == rater, axis=0) / np.where(count, count, np.nan), dtype=np.float64)


def _with_interval(value: float, above: Floats, below: Floats, n: int) -> Estimate:
    """Return the value with its percentile interval, widened for n prompts.

    Source: Hesterberg 2015, The American Statistician 69.
    """
    from scipy.special import ndtr, stdtrit

    defined = below > 1e-12
    if n < 2 or not math.isfinite(value) or np.mean(defined) < LEAST_DEFINED:
        return Estimate(value)
    level = 1 - 2 * float(ndtr(-math.sqrt(n / (n - 1)) * stdtrit(n - 1, 0.975)))
    return Estimate(value, *percentile_interval(above[defined] / below[defined], level))
