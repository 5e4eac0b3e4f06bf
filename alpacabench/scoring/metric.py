"""The metrics group: figures of one's own, beside those that every run has.

The smallest metric is two methods: `names` says its figures and their units, `compute` gives their values.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, ClassVar

from alpacabench.core.component import Component
from alpacabench.core.errors import Problem
from alpacabench.core.records import Outcome
from alpacabench.scoring.metric_name import is_metric_name


@dataclass(frozen=True, slots=True)
class Scored:
    """One prompt and what came of it, as a metric sees it."""

    instruction: str
    """The original instruction."""
    prompt: str
    """The text that the model saw."""
    reference: str | None
    """None where it is missing."""
    output: str | None
    """The first sample's answer; None where it is missing."""
    preference: float | None
    """The mean of the verdicts, in [1, 2]: 2 where the model wins; None where there is none."""
    source: str
    category: str

    @classmethod
    def of(cls, outcome: Outcome) -> Scored:
        """Return what a metric sees of an outcome."""
        example = outcome.example
        return cls(
            example.instruction, outcome.prompt.text, example.reference, outcome.output, outcome.preference,
            example.source, example.category,
        )  # fmt: skip


class Metric(Component):
    """Base of all metrics of one's own."""

    group: ClassVar[str] = "metrics"

    @abstractmethod
    def names(self) -> Mapping[str, str]:
        """Return the names of its figures, each with its unit in words ("words per answer"; "" where it has none).

        The same names on every call, whatever the data: `objective` may be one of them, and is checked before a run.
        """

    @abstractmethod
    def compute(self, outcomes: Sequence[Scored]) -> Mapping[str, float]:
        """Return the value of each name. A figure that cannot be computed is left out, or the method raises."""

    def problems(self) -> Iterator[Problem]:
        """Yield names that are none, or that MLflow does not take."""
        where, cls = "metrics", type(self).__name__
        try:
            names: Any = self.names()
        # A stranger's code may raise anything.
        except Exception as error:
            yield Problem(where, f"{cls}.names raises {type(error).__name__}: {error}", "it returns {name: unit}")
            return
        if not isinstance(names, Mapping) or not names or not all(isinstance(u, str) for u in names.values()):
            yield Problem(where, f"{cls}.names gives {names!r:.100}", "it returns {name: unit}, both texts")
            return
        for name in names:
            if not is_metric_name(name):
                remedy = "letters, digits, and any of _ - . : / and spaces, at most 250; no / at the start or end"
                yield Problem(where, f"{cls}.names gives the name {name!r:.100}", remedy)


@dataclass(frozen=True)
class OwnFigures:
    """What the metrics of one's own found."""

    values: dict[str, float] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    """Figures that are not given, with the reason."""


def compute(metrics: Sequence[Metric], outcomes: Sequence[Outcome]) -> OwnFigures:
    """Return the figures of all metrics; one that fails takes nothing from the others and does not end the run."""
    scored = [Scored.of(outcome) for outcome in outcomes]
    found = OwnFigures()
    for metric in metrics:
        try:
            given: Any = metric.compute(list(scored))
            problem = "" if isinstance(given, Mapping) else f"compute gives {given!r:.100}, not {{name: value}}"
        except Exception as error:
            given, problem = {}, f"compute raises {type(error).__name__}: {error}"
        for name in metric.names():
            value = None if problem else given.get(name)
            if isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value):
                found.values[name] = int(value) if isinstance(value, int) else float(value)
            else:
                reason = problem or (f"the value is {value!r:.100}" if name in given else "no value")
                found.refused[name] = f"{type(metric).__name__}: {reason}"
    return found
