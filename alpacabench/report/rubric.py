"""Scores by criterion, where a judge gives them: means with intervals, and how many verdicts could not be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alpacabench.analysis.estimate import Estimate
from alpacabench.core.records import Outcome
from alpacabench.report.slices import share

if TYPE_CHECKING:
    from alpacabench.scoring.arrays import Floats

LOWEST, HIGHEST = 1.0, 10.0
"""Of a score."""
OF_REFERENCE = "/reference"
UNREADABLE = "no scores for"
"""What the failure of a verdict without usable scores begins with."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion: means over prompts of the scores from 1 to 10, and their paired difference."""

    name: str
    model: Estimate
    reference: Estimate
    difference: Estimate | None
    n: int


@dataclass(frozen=True, slots=True)
class Rubric:
    """All criteria of a run's judge."""

    criteria: tuple[Criterion, ...]
    unreadable: Estimate
    """Verdicts without usable scores, in percent of all."""
    n_unreadable: int
    n_verdicts: int


def rubric(outcomes: Sequence[Outcome]) -> Rubric | None:
    """Return the scores by criterion; None where no verdict has any."""
    verdicts = [verdict for outcome in outcomes for verdict in outcome.verdicts]
    names = dict.fromkeys(name for v in verdicts for name in v.criteria if not name.endswith(OF_REFERENCE))
    if not names:
        return None
    lost = sum((verdict.failure or "").startswith(UNREADABLE) for verdict in verdicts)
    found = tuple(_criterion(name, outcomes) for name in names)
    return Rubric(found, share(lost, len(verdicts)), lost, len(verdicts))


def _criterion(name: str, outcomes: Sequence[Outcome]) -> Criterion:
    import numpy as np

    pairs = np.array([pair for outcome in outcomes if (pair := _means(name, outcome))])
    model, reference = pairs[:, 0], pairs[:, 1]
    difference = Estimate.of_differences(np.sort(model - reference), HIGHEST - LOWEST) if len(pairs) > 1 else None
    return Criterion(name, _mean(model), _mean(reference), difference, len(pairs))


def _means(name: str, outcome: Outcome) -> tuple[float, float] | None:
    """Return a prompt's mean scores over its verdicts, the model's and the reference's."""
    both = [
        (v.criteria[name], v.criteria[name + OF_REFERENCE])
        for v in outcome.verdicts
        if name in v.criteria and name + OF_REFERENCE in v.criteria
    ]
    return (sum(m for m, _ in both) / len(both), sum(r for _, r in both) / len(both)) if both else None


def _mean(scores: Floats) -> Estimate:
    """Return the mean score with the interval that suits shares of the scale."""
    import numpy as np

    found = Estimate.of_shares(np.sort((scores - LOWEST) / (HIGHEST - LOWEST)))
    ends = [LOWEST + end / 100 * (HIGHEST - LOWEST) for end in (found.value, *(found.interval or ()))]
    return Estimate(*ends)
