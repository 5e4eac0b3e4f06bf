"""Findings about a judge, and the one rule by which a fault counts as established.

Each test asks whether a fault is established beyond a bound that honest judges keep; `decide` adjusts all of them
together by Holm, so that a judge without faults is flagged in 5% of runs at most, whatever the number of tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from alpacabench.analysis.decision import ALPHA
from alpacabench.analysis.estimate import Estimate
from alpacabench.scoring.arrays import Floats, standard_error
from alpacabench.scoring.multiplicity import holm

Status = Literal["ok", "flag", "unknown"]
FEW = 30
"""Prompts below which a test of a judge says nothing."""


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
class Part:
    """What one look at the verdicts says to a question; of several looks the first is the main one."""

    name: str
    evidence: str
    estimate: Estimate | None = None
    p: float | None = None
    """Before it is adjusted; None where nothing was tested."""
    settled: bool = False
    """Whether there is nothing to test, and so no fault."""


def unknown(name: str, why: str) -> Part:
    """Return a part that could not be tested."""
    return Part(name, why)


def decide(parts: Sequence[Part]) -> list[Finding]:
    """Return one finding for each name, in order: flagged where any part is, unknown where the main part is."""
    tested = {id(part): part.p for part in parts if part.p is not None}
    adjusted = dict(zip(tested, holm(list(tested.values())) if tested else (), strict=True))
    names = dict.fromkeys(part.name for part in parts)
    return [_finding([(part, adjusted.get(id(part))) for part in parts if part.name == name]) for name in names]


def _finding(parts: Sequence[tuple[Part, float | None]]) -> Finding:
    main = parts[0][0]
    flagged = [part for part, p in parts if p is not None and p < ALPHA]
    verdict: Status = "flag" if flagged else "ok" if main.p is not None or main.settled else "unknown"
    told = flagged[0] if flagged else main
    estimate = told.estimate
    return Finding(
        main.name, verdict, "; ".join(part.evidence for part, _ in parts), estimate.value if estimate else None,
        estimate.interval if estimate else None,
        min((float(p) for _, p in parts if p is not None), default=None),
    )  # fmt: skip


def share(name: str, values: Floats, bound: float, way: Literal["less", "greater"], what: str) -> Part:
    """Test a share against its bound: exactly where it counts, by its error where prompts hold several verdicts.

    Args:
        name: of the finding.
        values: shares in [0, 1] by prompt.
        bound: in percent.
        way: the side on which the fault lies.
        what: the words behind the percentage.

    """
    from scipy.special import stdtr

    estimate, n = Estimate.of_shares(values), len(values)
    if np.all(np.isin(values, (0, 1))):
        p = binomial_p(int(values.sum()), n, bound / 100, way)
    else:
        error, sign = standard_error(values * 100), 1 if way == "greater" else -1
        beyond = sign * float(values.mean() * 100 - bound)
        p = float(stdtr(n - 1, -beyond / error)) if error > 0 else float(beyond <= 0)
    return Part(name, f"{estimate.percent()} {what}", estimate, p)


def binomial_p(count: int, n: int, chance: float, way: Literal["less", "greater"]) -> float:
    """Return the exact one-sided p-value of `count` of n, each with this chance."""
    from scipy.special import bdtr, bdtrc

    if way == "less":
        return float(bdtr(count, n, chance))
    return float(bdtrc(count - 1, n, chance)) if count else 1.0
