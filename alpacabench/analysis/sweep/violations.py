"""The violation rates of a sweep's jobs, each against the base's on the prompts that were checked in both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from alpacabench.analysis.estimate import Estimate
from alpacabench.analysis.sweep.scored import ScoredJob, ScoredSweep
from alpacabench.scoring.violations import RateDifference, rate_difference


@dataclass(frozen=True, slots=True)
class JobViolations:
    """What one check found in one job's answers, in per cent of the prompts to which it applies."""

    rate: Estimate
    n: int
    """Prompts that could be checked."""
    difference: RateDifference | None = None
    """To the base; None for the base itself, and where no prompt was checked in both."""
    p_holm: float | None = None
    """Adjusted for all checks of all jobs."""


Violations = Mapping[int, Mapping[str, JobViolations]]
"""By job number and check."""


def violations(sweep: ScoredSweep, base: int) -> Violations:
    """Return every job's violation rates, with the exact test of each paired difference to the base."""
    from alpacabench.scoring.multiplicity import holm

    reference = next((job for job in sweep.jobs if job.result.number == base), None)
    found = {
        (job.result.number, name): one
        for job in sweep.jobs
        for name in job.run.checked
        if (one := _of_job(job, name, reference))
    }
    tested = {place: one.difference.p_value for place, one in found.items() if one.difference}
    adjusted = dict(zip(tested, holm(list(tested.values())), strict=True)) if tested else {}
    by_job: dict[int, dict[str, JobViolations]] = {}
    for (number, name), one in found.items():
        p = adjusted.get((number, name))
        by_job.setdefault(number, {})[name] = one if p is None else replace(one, p_holm=float(p))
    return by_job


def _of_job(job: ScoredJob, name: str, base: ScoredJob | None) -> JobViolations | None:
    metrics, shares = job.run.metrics, job.run.checked[name]
    rate = metrics.get(f"violation_rate/{name}")
    if rate is None:
        return None
    low, high = (metrics.get(f"violation_rate_ci_{end}/{name}") for end in ("low", "high"))
    n = int(metrics.get(f"n_checked/{name}", 0))
    others = base.run.checked.get(name, {}) if base and base is not job else {}
    both = sorted(shares.keys() & others.keys())
    difference = rate_difference([shares[text] for text in both], [others[text] for text in both])
    return JobViolations(Estimate(rate, low, high), n, difference)
