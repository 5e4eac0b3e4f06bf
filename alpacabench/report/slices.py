"""Outcomes as the pages need them: one score per prompt, and the mean of a slice with its interval."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from alpacabench.analysis.estimate import FEW, Estimate, Number, finite
from alpacabench.core.records import Outcome
from alpacabench.report.plot.forest import ForestRow

if TYPE_CHECKING:
    from alpacabench.scoring.arrays import Floats

Scored = tuple[Outcome, float]
"""An outcome and its score in percent: 0 the reference wins, 100 the model wins."""


def scored(outcomes: Sequence[Outcome]) -> list[Scored]:
    """Return the outcomes that have a verdict, each with its score."""
    pairs = [(outcome, outcome.preference) for outcome in outcomes]
    return [(outcome, (preference - 1) * 100) for outcome, preference in pairs if preference is not None]


def mean(scores: Sequence[float]) -> Estimate | None:
    """Return the mean of scores in percent with the interval that suits them; None where there are none."""
    if not scores:
        return None
    import numpy as np

    return Estimate.of_shares(np.sort(np.asarray(scores, dtype=np.float64)) / 100)


def slots(outcomes: Sequence[Outcome]) -> tuple[Floats, Floats]:
    """Return each prompt's preference with the model shown first, and with it second; NaN where it was not so."""
    import numpy as np

    found = np.full((2, len(outcomes)), np.nan)
    for row, outcome in enumerate(outcomes):
        for slot, first in enumerate((True, False)):
            known = [v.preference for v in outcome.verdicts if v.preference is not None and v.model_first is first]
            if known:
                found[slot, row] = sum(known) / len(known)
    return found[0], found[1]


def share(part: int, whole: int) -> Estimate:
    """Return a share in percent with its interval."""
    return mean([100.0] * part + [0.0] * (whole - part)) or Estimate(0.0)


def slices(pairs: Sequence[Scored], labels: Callable[[Outcome], Sequence[str]]) -> list[ForestRow]:
    """Return one row per slice, largest first; small ones are marked. A prompt with several labels is in several."""
    groups: dict[str, list[float]] = defaultdict(list)
    for outcome, score in pairs:
        for label in labels(outcome):
            groups[label or "(none)"].append(score)
    largest_first = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return [
        ForestRow(name, mean(scores), slice_note(len(scores)), "few" if len(scores) < FEW else "")
        for name, scores in largest_first
    ]


def slice_note(n: int) -> str:
    """Return how many prompts a slice has, with a mark where they are few."""
    return f"n = {n:,}{' (few)' if n < FEW else ''}"


def metric(metrics: Mapping[str, Number], name: str, low: str, high: str) -> Estimate | None:
    """Return a metric with its interval; None where the run has no such metric."""
    value, ends = metrics.get(name), (metrics.get(low), metrics.get(high))
    if not finite(value):
        return None
    return Estimate(value, *(end if finite(end) else None for end in ends))
