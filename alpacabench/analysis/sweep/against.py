"""Every job of a sweep against the base, and the best of them: paired, adjusted for how many there are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alpacabench.analysis.length_fits import Fits, fit_runs
from alpacabench.analysis.sweep.scored import ScoredJob, ScoredSweep

if TYPE_CHECKING:
    from alpacabench.scoring.difficulty import DifficultyTable
    from alpacabench.scoring.length_control import LengthControlled
    from alpacabench.scoring.multiplicity import Selection
    from alpacabench.scoring.paired import Delta


@dataclass(frozen=True)
class JobAgainstBase:
    """One job against the base."""

    delta: Delta
    p_holm: float
    q_bh: float
    p_max_t: float
    """Joint, step-down, from one bootstrap that all jobs share."""
    p_unpaired: float
    """Not adjusted: what a test that ignores that the prompts are shared would say."""
    delta_lc: Delta | None = None


@dataclass(frozen=True)
class Against:
    """All jobs against the base; empty where there is nothing to compare."""

    base: int | None
    """Job number."""
    comparisons: Mapping[int, JobAgainstBase] = field(default_factory=dict)
    """By job number."""
    selection: Selection | None = None
    """Positions are those of `ScoredSweep.jobs`."""
    lc: Mapping[int, LengthControlled] = field(default_factory=dict)
    """By job number; empty where any job has none."""
    lc_metric: str = "length_controlled_winrate"
    warnings: tuple[str, ...] = ()


def compare_to_base(sweep: ScoredSweep, base: int, table: DifficultyTable | None) -> Against:
    """Compare every finished job with the base on the prompts that they share.

    Args:
        sweep: the finished jobs.
        base: number of the base job.
        table: published difficulties, for the regularised length control.

    """
    from alpacabench.scoring.multiplicity import select_best

    warnings = []
    fitted = _length_controlled(sweep, table)
    lc = {job.result.number: fit for job, fit in zip(sweep.jobs, fitted.fits, strict=False)}
    selection, comparisons = None, {}
    y = sweep.outcomes()
    if y.shape[1] < 2:
        warnings.append("Fewer than two prompts have a verdict in every job: nothing can be compared.")
    else:
        means = y.mean(axis=1) * 100
        selection = select_best(means, (y - y.mean(axis=1, keepdims=True)) * 100) if len(y) > 1 else None
        reference = next((job for job in sweep.jobs if job.result.number == base), None)
        if reference is None:
            warnings.append(f"The base, job {base}, has no result: no differences are given.")
        else:
            comparisons = _comparisons(sweep, reference, lc)
    metric = fitted.metric if lc else Against.lc_metric
    return Against(base, comparisons, selection, lc, metric, tuple(warnings))


def _comparisons(sweep: ScoredSweep, base: ScoredJob, lc: Mapping[int, LengthControlled]) -> dict[int, JobAgainstBase]:
    from alpacabench.scoring.multiplicity import benjamini_hochberg, holm
    from alpacabench.scoring.normal import two_sided_p
    from alpacabench.scoring.paired import FEW_DRAWS, compare_length_controlled, compare_win_rates

    others = [job for job in sweep.jobs if job is not base]
    if not others:
        return {}
    texts = sweep.instructions
    reference = sweep.preferences(base)
    deltas = [compare_win_rates(texts, reference, texts, sweep.preferences(job), draws=FEW_DRAWS) for job in others]
    # A job that was stopped early would have been compared, too: it counts as a comparison that found nothing.
    p_values = [delta.p_value for delta in deltas] + [1.0] * len(sweep.stopped)
    return {
        job.result.number: JobAgainstBase(
            delta=delta,
            p_holm=float(p_holm),
            q_bh=float(q_bh),
            p_max_t=float(p_joint),
            p_unpaired=two_sided_p(delta.estimate, delta.standard_error_unpaired),
            delta_lc=compare_length_controlled(lc[base.result.number], lc[job.result.number]) if lc else None,
        )
        for job, delta, p_holm, q_bh, p_joint in zip(
            others,
            deltas,
            holm(p_values)[: len(others)],
            benjamini_hochberg(p_values)[: len(others)],
            _joint(sweep, base, others),
            strict=True,
        )
    }


def _joint(sweep: ScoredSweep, base: ScoredJob, others: list[ScoredJob]) -> list[float]:
    """Return max-T p-values on the prompts that have a verdict in every job."""
    from alpacabench.scoring.multiplicity import max_t

    y = sweep.outcomes() * 100
    rows = [sweep.jobs.index(job) for job in others]
    difference = y[rows] - y[sweep.jobs.index(base)]
    return [float(p) for p in max_t(difference.mean(axis=1), difference)]


def _length_controlled(sweep: ScoredSweep, table: DifficultyTable | None) -> Fits:
    """Fit every job on the shared prompts with a verdict in every job."""
    from alpacabench.scoring.paired import FEW_DRAWS

    usable = [
        text for text in sweep.instructions if all(math.isfinite(job.run.items[text].preference) for job in sweep.jobs)
    ]
    return fit_runs([job.run.only(usable) for job in sweep.jobs], table, FEW_DRAWS)
