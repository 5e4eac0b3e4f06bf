"""Which metrics a configuration gives, with their units: what `objective` may name.

The names and units stand where the figures are computed; here is only which of them a run can have.
"""

from __future__ import annotations

from dataclasses import dataclass

from alpacabench.cost import usage
from alpacabench.scoring import fill, length_control, official, scoring, screens, tool_use, win_rate
from alpacabench.scoring.pairs import JUDGE, MIN_ROWS, REFERENCE

OF_ANSWERS = ("truncated_share", "n_failed")
"""Figures of a run without a judge, beside screens and costs."""


@dataclass(frozen=True)
class Foreseen:
    """What is known of a run before its data is read; None is unknown, and rules nothing out."""

    has_difficulty: bool
    """Whether the prompts' difficulties are published."""
    order: str
    judge: str | None
    reference: str | None
    """Generator of the reference outputs."""
    whole: bool
    """Whether every prompt of the data set is evaluated."""
    at_most: int | None
    """The most prompts that can be evaluated."""
    compares: bool = True
    """Whether there is a judge."""

    @property
    def regularised(self) -> bool | None:
        """Whether the length control has its gamed baselines."""
        if not self.has_difficulty or self.judge not in (None, JUDGE) or self.reference not in (None, REFERENCE):
            return False
        return None if self.judge is None or self.reference is None else True


def metric_units(run: Foreseen) -> dict[str, str]:
    """Return the metrics that the run can have, each with its unit."""
    if not run.compares:
        return screens.UNITS | usage.UNITS | {name: scoring.UNITS[name] for name in OF_ANSWERS if name in scoring.UNITS}
    units = win_rate.UNITS | scoring.UNITS | screens.UNITS | win_rate.SLOT_UNITS | usage.UNITS
    units |= win_rate.BOTH_ORDERS_UNITS if run.order == "both" else {}
    if run.at_most is not None and run.at_most < MIN_ROWS:
        return units
    if run.regularised is not False:
        units |= length_control.UNITS | official.UNITS
    if run.regularised is not True:
        units |= length_control.NOREG_UNITS
    return units | (fill.UNITS if run.has_difficulty and not run.whole else {})


def every_unit() -> dict[str, str]:
    """Return every metric of ours with its unit, slices apart (`win_rate/LABEL`)."""
    every = Foreseen(True, "both", None, None, False, None)
    return metric_units(every) | scoring.RARE_UNITS | tool_use.UNITS
