"""The same answers under two judges: how far apart the judges are, and how to move a series of results to the new one.

A win rate under the old judge is moved by the least-squares line of the new judge's outcome on the old judge's, over
prompts: with verdicts that only win or lose it is what the new judge says of the old one's wins and losses, weighted by
their shares. It holds for answers like these; a model of another kind needs a bridge of its own.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from alpacabench.analysis.compatible import shared
from alpacabench.analysis.estimate import Estimate
from alpacabench.analysis.finished_run import FinishedRun
from alpacabench.core.errors import DataError
from alpacabench.io.rows import shorten
from alpacabench.scoring.arrays import Floats, bootstrap_counts, percentile_interval
from alpacabench.scoring.small_sample import mean_of, sign_flip_p

LEAST = 10
"""Prompts below which a line through them says nothing."""
DRAWS = 2_000
RATES = tuple(range(0, 101, 10))
"""Win rates under the old judge that the table converts, in percent."""


@dataclass(frozen=True)
class Bridge:
    """Two judges on the same answers; rates and the offset in percentage points, with 95% intervals over prompts."""

    old: str
    new: str
    n: int
    """Prompts with a verdict of both."""
    n_left_out: int
    """Prompts that one of the two lacks, or has no verdict for."""
    win_rate_old: Estimate
    win_rate_new: Estimate
    offset: Estimate
    """New minus old."""
    offset_p: float
    """Exact, of no offset: from the signs of the differences alone."""
    kappa: float | None
    """Cohen's, of the sides (reference, draw, model); None where both judges say one side only."""
    rank_correlation: float | None
    """Spearman's, of the verdicts over prompts; None where a judge says the same of all."""
    sides: dict[str, dict[str, int]]
    """Prompts by the old judge's side, then by the new one's."""
    slope: float | None
    intercept: float | None
    """Of the line, in points; None where the old judge says the same of all."""
    table: tuple[tuple[float, Estimate], ...]
    """A win rate under the old judge, and what it is under the new one."""

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON takes it."""
        return asdict(self)


def bridge(old: FinishedRun, new: FinishedRun) -> Bridge:
    """Compare two judges on the answers that both judged.

    Raises:
        DataError: the answers or the references differ, or fewer than 10 prompts have a verdict of both.

    """
    texts = shared(old, new)
    _require_same_answers(old, new, texts)
    pairs = np.array([[old.items[t].preference, new.items[t].preference] for t in texts]).reshape(-1, 2) - 1
    known = pairs[~np.isnan(pairs).any(axis=1)]
    if len(known) < LEAST:
        raise DataError(
            f"{old.origin} and {new.origin}: {len(known)} prompts have a verdict of both\n"
            f"    at least {LEAST} are needed: judge the same answers with both judges"
        )
    x, y = known[:, 0], known[:, 1]
    line, table = _line(x, y)
    names = (old.judge, new.judge)
    if old.judge == new.judge:  # two versions of one judge, or its template edited: only the runs tell them apart
        names = (f"{old.judge} in {old.origin}", f"{new.judge} in {new.origin}")
    return Bridge(
        old=names[0], new=names[1], n=len(known),
        n_left_out=len(set(old.items) | set(new.items)) - len(known),
        win_rate_old=Estimate.of_shares(x), win_rate_new=Estimate.of_shares(y),
        offset=Estimate.of_differences((y - x) * 100), offset_p=sign_flip_p((y - x) * 100),
        kappa=_kappa(x, y), rank_correlation=_rank_correlation(x, y), sides=_sides(x, y),
        slope=line[0] if line else None, intercept=line[1] * 100 if line else None, table=table,
    )  # fmt: skip


def _require_same_answers(old: FinishedRun, new: FinishedRun, texts: list[str]) -> None:
    """Refuse runs that do not show both judges the same two texts."""
    for name, what in (("output", "answers"), ("reference", "reference answers")):
        found = [(getattr(old.items[t], name), getattr(new.items[t], name)) for t in texts]
        if any(one is None or other is None for one, other in found):
            raise DataError(
                f"{old.origin} and {new.origin}: a file does not hold the {what}, so they may differ\n"
                "    give run directories, or annotations with output_1 and output_2"
            )
        changed = [t for t, (one, other) in zip(texts, found, strict=True) if one != other]
        if changed:
            raise DataError(
                f"{old.origin} and {new.origin} hold other {what} to {len(changed)} prompts, such as "
                f"{shorten(changed[0])}\n    a bridge needs the same answers under two judges: change judge=NAME only"
            )


def _line(x: Floats, y: Floats) -> tuple[tuple[float, float] | None, tuple[tuple[float, Estimate], ...]]:
    """Return slope and intercept in outcomes, and the table with percentile intervals over resampled prompts.

    Of few prompts that agree, all resamples agree: an interval is no narrower than one prompt more in each direction
    leaves it, as in `scoring.small_sample`.
    """
    if np.ptp(x) == 0:
        return None, ()
    counts = np.concatenate([np.ones((1, len(x))), bootstrap_counts(len(x), DRAWS, seed=0)])
    n = counts.sum(axis=1)
    mean_x, mean_y = counts @ x / n, counts @ y / n
    spread = counts @ (x * x) / n - mean_x**2
    usable = spread > 1e-12
    slopes = (counts @ (x * y) / n - mean_x * mean_y)[usable] / spread[usable]
    intercepts = mean_y[usable] - slopes * mean_x[usable]
    rows, added = [], mean_of(np.zeros(len(x))).interval()[1]
    for rate in RATES:
        moved = np.clip((intercepts + slopes * rate / 100) * 100, 0, 100)
        value, (low, high) = float(moved[0]), percentile_interval(moved[1:])
        low, high = value - math.hypot(value - low, added), value + math.hypot(high - value, added)
        rows.append((float(rate), Estimate(value, max(0.0, low), min(100.0, high))))
    return (float(slopes[0]), float(intercepts[0])), tuple(rows)


def _side(outcome: Floats) -> Floats:
    return np.sign(outcome - 0.5)


def _kappa(x: Floats, y: Floats) -> float | None:
    from sklearn.metrics import cohen_kappa_score

    one, other = _side(x), _side(y)
    if len(np.unique(np.concatenate([one, other]))) < 2:
        return None
    return float(cohen_kappa_score(one, other))


def _rank_correlation(x: Floats, y: Floats) -> float | None:
    from scipy.stats import spearmanr

    return None if np.ptp(x) == 0 or np.ptp(y) == 0 else float(spearmanr(x, y).statistic)


def _sides(x: Floats, y: Floats) -> dict[str, dict[str, int]]:
    names = {-1.0: "reference", 0.0: "draw", 1.0: "model"}
    one, other = _side(x), _side(y)
    return {
        name: {beside: int(np.sum((one == a) & (other == b))) for b, beside in names.items()}
        for a, name in names.items()
    }
