"""Whether a judge says other things of the same pairs than before: an exact test by exchanging its verdicts.

A judge that has not changed draws today's verdicts on a pair as it drew its baseline's, so that all of them may be
exchanged within the pair. Two statistics are compared with what random exchanges give: the mean shift over pairs, which
a judge moves that has become kinder, and the mean distance between today and the baseline, which any change moves:
a liking for one place or for length, or more noise. The p-value is twice the smaller one (Bonferroni), so that a judge
that did not change alarms at most at alpha, however noisy it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from alpacabench.analysis.estimate import Estimate
from alpacabench.scoring.arrays import Floats

DRAWS = 9_999
CHUNK = 500
"""Exchanges that are drawn at once."""
SAME = 1e-9
TURNED = 0.5
"""How far a pair's mean verdict must move to count as turned: from a win to a draw, or half of all verdicts."""


@dataclass(frozen=True, slots=True)
class Change:
    """What changed between the baseline and now, over pairs."""

    n: int
    """Pairs with every verdict, then and now."""
    shift: Estimate
    """Win rate now minus then, in points."""
    distance: float
    """Mean distance between a pair's mean verdicts then and now, in points."""
    n_turned: int
    p_shift: float
    p_distance: float

    @property
    def p(self) -> float:
        """Of no change."""
        return min(1.0, 2 * min(self.p_shift, self.p_distance))


def change(then: ArrayLike, now: ArrayLike, draws: int = DRAWS, seed: int = 0) -> Change:
    """Compare verdicts in [1, 2], shapes (pairs, repeats then) and (pairs, repeats now), two pairs or more."""
    before, after = np.asarray(then, dtype=np.float64), np.asarray(now, dtype=np.float64)
    pooled, k = np.concatenate([after, before], axis=1), after.shape[1]
    seen = _differences(pooled, k)
    shift, distance = abs(seen.sum()), np.abs(seen).sum()
    rng, exceeded = np.random.default_rng(seed), np.zeros(2)
    for start in range(0, draws, CHUNK):
        size = min(CHUNK, draws - start)
        order = rng.random((size, *pooled.shape)).argsort(axis=2)
        by_chance = _differences(np.take_along_axis(pooled[None], order, axis=2), k)
        exceeded[0] += np.sum(np.abs(by_chance.sum(axis=1)) >= shift - SAME)
        exceeded[1] += np.sum(np.abs(by_chance).sum(axis=1) >= distance - SAME)
    p_shift, p_distance = (exceeded + 1) / (draws + 1)
    return Change(
        n=len(seen), shift=Estimate.of_differences(seen * 100), distance=float(distance / len(seen) * 100),
        n_turned=int(np.sum(np.abs(seen) >= TURNED - SAME)), p_shift=float(p_shift), p_distance=float(p_distance),
    )  # fmt: skip


def _differences(pooled: Floats, k: int) -> Floats:
    """Return the mean of the first k verdicts of each pair minus the mean of the others; verdicts on the last axis."""
    return np.asarray(pooled[..., :k].mean(axis=-1) - pooled[..., k:].mean(axis=-1))
