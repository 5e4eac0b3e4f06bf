"""Worst, best and spread over k wordings, each beside the same statistic of k decodes of the unchanged prompts.

The worst of k falls by chance alone. Where there are more wordings than decodes, or the other way round, both sides are
means over all draws of k of them, so that the two are compared like with like; k is the same on both sides of a prompt.
Few prompts vary too little when they are resampled: an interval is no narrower than one prompt more in each direction
leaves it, as in `scoring.small_sample`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from math import comb

import numpy as np

from alpacabench.analysis.ablation.table import OfK, Spread
from alpacabench.analysis.estimate import Estimate
from alpacabench.scoring.arrays import Floats, bootstrap_counts, percentile_interval
from alpacabench.scoring.small_sample import WHOLE, mean_of, sign_flip_p

DRAWS = 2_000


def spread_of(decodes: Floats, wordings: Floats, draws: int = DRAWS, seed: int = 0) -> Spread | None:
    """Compare the spread over wordings with that over decodes; None where there are not two of either.

    Args:
        decodes: y of the unchanged prompts, the base first, shape (decodes, prompts).
        wordings: y of the variants that keep the task, shape (variants, prompts); NaN where one does not count.
        draws: resamples of prompts.
        seed: of the resamples.

    """
    wordings = np.vstack([decodes[:1], wordings])
    known = ~np.isnan(decodes).any(axis=0)
    if len(wordings) > 1:
        known &= (~np.isnan(wordings)).sum(axis=0) > 1
    decodes, wordings = decodes[:, known], wordings[:, known]
    n, k = int(known.sum()), _common_k(decodes, wordings)
    if n < 2 or k.size == 0:
        return None
    counts = np.vstack([np.ones((1, n)), bootstrap_counts(n, draws, seed)])
    sides = [_Side(y, k) if len(y) > 1 else None for y in (wordings, decodes)]
    changed, again = (side.statistics(counts) if side else {} for side in sides)
    excess = {name: changed[name] - again[name] for name in changed if name in again}
    tests = _tests(*(side.by_prompt() for side in sides if side)) if excess else {}
    pss_max = float(np.mean([_largest_pss(int(m)) for m in (~np.isnan(wordings)).sum(axis=0)])) if changed else np.nan
    return Spread(
        n=n,
        k=int(k.max()),
        n_wordings=len(wordings) if changed else 0,
        n_decodes=len(decodes) if again else 0,
        statistics=tuple(
            OfK(
                name,
                wordings=_estimate(changed[name], n, _reach(name)) if changed else None,
                decodes=_estimate(again[name], n, _reach(name)) if again else None,
                excess=_estimate(excess[name], n, _reach(name), least=-1) if excess else None,
                excess_p=tests.get(name),
            )
            for name in (changed or again)
        ),
        pss_max=pss_max,
        robustness=_robustness(_estimate(excess["pss"], n, 1.0, least=-1), pss_max) if excess else None,
    )


@dataclass(frozen=True)
class _Side:
    """Wordings or decodes; the base is the first of both."""

    y: Floats
    """Shape (runs, prompts); NaN where a run does not count."""
    k: Floats
    """How many are drawn on each prompt."""

    def by_prompt(self) -> dict[str, Floats]:
        """Return each statistic that is a mean over prompts, of each prompt; all but `pss` in percentage points."""
        best, worst, pss = np.empty(self.y.shape[1]), np.empty(self.y.shape[1]), np.empty(self.y.shape[1])
        ascending, m = np.sort(self.y, axis=0), (~np.isnan(self.y)).sum(axis=0)
        for size, k in {(int(a), int(b)) for a, b in zip(m, self.k, strict=True)}:
            prompts = (m == size) & (self.k == k)
            ordered = ascending[:size, prompts]
            best[prompts] = _chance_of_largest(size, k) @ ordered
            worst[prompts] = _chance_of_largest(size, k)[::-1] @ ordered
            # The sum over pairs of |a - b|, from the ranks.
            pss[prompts] = (2 * np.arange(size) - size + 1) @ ordered / comb(size, 2)
        return {"worst_of_k": worst * 100, "best_of_k": best * 100, "spread_item": (best - worst) * 100, "pss": pss}

    def statistics(self, counts: Floats) -> dict[str, Floats]:
        """Return each statistic for each resample; all but `pss` in percentage points."""
        means = {name: counts @ values / counts.sum(axis=1) for name, values in self.by_prompt().items()}
        pss = means.pop("pss")
        return means | {"spread_prompt": self._range_of_rates(counts) * 100, "pss": pss}

    def _range_of_rates(self, counts: Floats) -> Floats:
        """Return the expected largest less the smallest win rate of k runs.

        A run that does not count on every prompt is compared with the base on those on which it does.
        """
        counted = ~np.isnan(self.y)
        difference = np.where(counted, self.y - self.y[0], 0.0)
        rates = np.sort(counts @ difference.T / np.maximum(1, counts @ counted.T.astype(np.float64)), axis=1)
        largest = _chance_of_largest(len(self.y), int(self.k.max()))
        return np.asarray(rates @ (largest - largest[::-1]))


def _common_k(decodes: Floats, wordings: Floats) -> Floats:
    """Return how many runs both sides draw on each prompt; empty where neither side has two."""
    sizes = [(~np.isnan(y)).sum(axis=0) for y in (wordings, decodes) if len(y) > 1]
    return np.asarray(np.min(sizes, axis=0)) if sizes else np.empty(0)


def _chance_of_largest(size: int, k: int) -> Floats:
    """Return, for each rank in ascending order, the chance to be the largest of k drawn without replacement."""
    return np.array([comb(rank, k - 1) / comb(size, k) for rank in range(size)])


def _largest_pss(runs: int) -> float:
    """Return the largest mean difference between pairs of so many outcomes in [0, 1]: half of them 0, half 1."""
    return (runs // 2) * ((runs + 1) // 2) / comb(runs, 2)


def _robustness(excess: Estimate, pss_max: float) -> Estimate:
    """Return 1 - excess / pss_max, at least 0 as the spread over wordings is at most the largest."""
    low, high = excess.interval or (math.nan, math.nan)
    return Estimate(1 - excess.value / pss_max, max(0.0, 1 - high / pss_max), 1 - low / pss_max)


def _tests(wordings: dict[str, Floats], decodes: dict[str, Floats]) -> dict[str, float]:
    return {name: sign_flip_p(wordings[name] - decodes[name]) for name in wordings}


def _reach(name: str) -> float:
    """Return the most that one prompt can move a statistic by."""
    return 1.0 if name == "pss" else WHOLE


def _estimate(values: Floats, n: int, reach: float, least: float = 0.0) -> Estimate:
    """Return the first value with the basic bootstrap interval from the others, which takes out their own bias.

    Args:
        values: the statistic, and that of each resample.
        n: prompts.
        reach: the most that one prompt can move it by, and that it can be.
        least: the least that it can be, in reaches.

    """
    value, (low, high) = float(values[0]), percentile_interval(values[1:])
    low, high, added = high - value, value - low, mean_of(np.zeros(n), reach).interval()[1]
    low, high = value - math.hypot(low, added), value + math.hypot(high, added)
    return Estimate(value, max(least * reach, low), min(reach, high))
