"""What the page of a sweep shows: the jobs, their differences to the base, and the sweep's own figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alpacabench.analysis.estimate import Estimate, Number

if TYPE_CHECKING:
    from alpacabench.analysis.sweep.violations import JobViolations

TIE = 1e-9
"""Points by which two equal rates may differ, for the order in which they were added up."""


@dataclass(frozen=True, slots=True)
class SweepRow:
    """One setting of the sweep; rates and differences in percentage points."""

    name: str
    overrides: Mapping[str, str]
    """What was chosen: config key to value, as text."""
    win_rate: Estimate | None = None
    """On the prompts that all jobs share."""
    own_win_rate: Estimate | None = None
    """On all of the job's own prompts; None where those are the shared ones."""
    lc: Estimate | None = None
    """Length-controlled win rate; None where it is refused."""
    delta_wr: Estimate | None = None
    """Win rate minus the base's on the same prompts; None for the base itself."""
    delta_lc: Estimate | None = None
    p_holm: float | None = None
    q_bh: float | None = None
    p_max_t: float | None = None
    """Joint with all other comparisons, from one bootstrap."""
    p_unpaired: float | None = None
    """Not adjusted: what a test that ignores that the prompts are shared would say."""
    mde_80: float | None = None
    """The smallest paired difference in points that this comparison finds with 80% power."""
    p_all_pairs: Mapping[str, float] = field(default_factory=dict)
    """Joint p-value against each other job, by its name, over all pairs."""
    tied_with_best: bool = False
    """Whether it cannot be separated from the best at 5% (true for the best itself)."""
    n: int = 0
    replicates: int = 1
    """Jobs that differ in a seed alone, whose mean by prompt it is."""
    cost_usd: float | None = None
    """Paid by this call."""
    seconds: float | None = None
    """Taken by this call."""
    full_cost_usd: float | None = None
    """What its answers and verdicts cost when they were made, the store's included; of replicates the mean."""
    seconds_per_answer: float | None = None
    """When they were written, the store's included."""
    violations: Mapping[str, JobViolations] = field(default_factory=dict)
    """By check on its answers."""
    trust: str = ""
    """What is flagged of its judge, in one line; empty where that was not examined."""
    failure: str | None = None
    """Why the job has no result."""
    stopped: str | None = None
    """Why the job was stopped early; it has no win rate then."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A main effect or an interaction of the swept axes."""

    name: str
    """For example `decoding.temperature: 0.7 instead of 0`."""
    estimate: Estimate
    """In percentage points."""
    p_holm: float | None = None


@dataclass(frozen=True, slots=True)
class SweepTable:
    """Everything that the page of a sweep shows."""

    title: str
    rows: tuple[SweepRow, ...]
    base: str | None
    """Name of the row that the others are compared with."""
    lc_name: str = "length_controlled_winrate"
    """The metric behind `SweepRow.lc`: the `_noreg` variant is named as such."""
    decides: str = "win_rate"
    """The metric behind the p-values and the best: the win rate, or that of `lc_name`."""
    detectable: float | None = None
    """Difference in points that a comparison finds with 80% power, the median; None where that cannot be told."""
    saturated: bool = False
    """Whether every verdict is the same win, loss or draw, so that nothing can be concluded."""
    identical: bool = False
    """Whether all jobs gave the same answers."""
    n_shared: int = 0
    """Prompts with a verdict in every job."""
    effects: tuple[Effect, ...] = ()
    variance: Mapping[str, float] = field(default_factory=dict)
    """Share of the variance in percent by component: prompts, decoding seed, judge, slot."""
    metrics: Mapping[str, Number] = field(default_factory=dict)
    """Sweep-level metrics, named as in MLflow (`best_minus_mean`, `expected_best_under_null`, ...)."""
    about: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def n_jobs(self) -> int:
        """How many jobs the sweep has."""
        return sum(row.replicates for row in self.rows)

    @property
    def replicated(self) -> bool:
        """Whether any row is the mean of several jobs."""
        return self.n_jobs > len(self.rows)

    def axes(self) -> dict[str, tuple[str, ...]]:
        """Return the keys that take more than one value, with their values; numbers in ascending order."""
        keys = dict.fromkeys(key for row in self.rows for key in row.overrides)
        values = {key: list(dict.fromkeys(row.overrides.get(key, "") for row in self.rows)) for key in keys}
        return {
            key: tuple(sorted(found, key=float) if numeric(found) else found)
            for key, found in values.items()
            if len(found) > 1
        }

    def trusted(self) -> bool:
        """Whether the judge of any job was examined."""
        return any(row.trust for row in self.rows)

    def checks(self) -> list[str]:
        """Return the checks that were made on answers."""
        return list(dict.fromkeys(name for row in self.rows for name in row.violations))

    def rate(self, row: SweepRow) -> Estimate | None:
        """Return the figure that decides."""
        return row.win_rate if self.decides == "win_rate" else row.lc

    def delta(self, row: SweepRow) -> Estimate | None:
        """Return its difference to the base."""
        return row.delta_wr if self.decides == "win_rate" else row.delta_lc

    def leaders(self) -> list[SweepRow]:
        """Return the rows with the highest figure that decides: more than one where they tie."""
        rates = [(row, rate.value) for row in self.rows if (rate := self.rate(row))]
        highest = max((value for _, value in rates), default=0.0)
        return [row for row, value in rates if highest - value < TIE]

    def label(self, row: SweepRow) -> str:
        """Return a job's name by what varies, keys by their last part where that is clear; else its full name."""
        if sum(other.overrides == row.overrides for other in self.rows) > 1:
            return row.name
        axes = self.axes()
        stems = [key.rpartition(".")[2] for key in axes]
        short = {key: stem if stems.count(stem) == 1 else key for key, stem in zip(axes, stems, strict=True)}
        return ", ".join(f"{short[key]}={row.overrides[key]}" for key in axes if key in row.overrides) or row.name

    def place(self, row: SweepRow) -> str:
        """Return 'best', 'tied' where several settings could be the best, or nothing."""
        if not row.tied_with_best:
            return ""
        return "tied" if sum(other.tied_with_best for other in self.rows) > 1 else "best"

    def values(self, row: SweepRow) -> str:
        """Return the values of what varies, for places where `label` is too long."""
        return " · ".join(row.overrides[key] for key in self.axes() if key in row.overrides) or row.name


def numeric(values: Sequence[str]) -> bool:
    """Return whether every value is a finite number."""
    try:
        return all(math.isfinite(float(value)) for value in values)
    except ValueError:
        return False
