"""Every job of a sweep against the base and against every other, and the best of them, adjusted for how many they are.

One set of prompts serves all figures: those with a verdict in every job. What `objective` names decides: the win rate,
or its length-controlled variant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from alpacabench.analysis.decision import ALPHA, MARGIN, claim_p, differs
from alpacabench.analysis.length_fits import Fits, fit_runs
from alpacabench.analysis.sentences import given
from alpacabench.analysis.sweep.scored import ScoredJob, ScoredSweep

if TYPE_CHECKING:
    from alpacabench.scoring.arrays import Floats
    from alpacabench.scoring.difficulty import DifficultyTable
    from alpacabench.scoring.length_control import LengthControlled
    from alpacabench.scoring.multiplicity import Selection
    from alpacabench.scoring.paired import Delta
    from alpacabench.scoring.ranking import Rank
    from alpacabench.scoring.win_rate import WinRate

LC = "length_controlled_winrate"


@dataclass(frozen=True)
class JobAgainstBase:
    """One job against the base; the p-values are those of the figure that decides."""

    delta: Delta
    p_holm: float
    q_bh: float
    p_max_t: float
    """Joint, step-down, from sign flips that all jobs share."""
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
    rates: Mapping[int, WinRate] = field(default_factory=dict)
    """By job number, on the shared prompts."""
    pairs: Mapping[tuple[int, int], float] = field(default_factory=dict)
    """Joint p-value of each pair of jobs, over all pairs; by their numbers, the smaller first."""
    ranks: Mapping[int, Rank] = field(default_factory=dict)
    """By job number: places on the shared prompts, verdict against verdict."""
    lc: Mapping[int, LengthControlled] = field(default_factory=dict)
    """By job number; empty where any job has none."""
    lc_metric: str = LC
    decides: str = "win_rate"
    """The metric behind the p-values, the selection and the pairs."""
    saturated: bool = False
    """Whether every verdict of every job is the same win, loss or draw, so that nothing can be concluded."""
    warnings: tuple[str, ...] = ()


def compare_to_base(
    sweep: ScoredSweep, base: int, table: DifficultyTable | None, objective: str = "win_rate"
) -> Against:
    """Compare every finished job with the base on the prompts that all of them share.

    Args:
        sweep: the finished jobs.
        base: number of the base job.
        table: published difficulties, for the regularised length control.
        objective: the metric that decides; any but the length-controlled win rate leaves it to the win rate.

    """
    from alpacabench.scoring.multiplicity import select_best
    from alpacabench.scoring.saturation import saturated
    from alpacabench.scoring.win_rate import score_win_rate

    fitted = _length_controlled(sweep, table)
    lc = {job.result.number: fit for job, fit in zip(sweep.jobs, fitted.fits, strict=False)}
    metric = fitted.metric if lc else LC
    y = sweep.outcomes()
    if y.shape[1] < 2:
        told = given.of_jobs(given.Jobs(len(sweep.instructions), n_scored=y.shape[1]))
        return Against(base, lc=lc, lc_metric=metric, warnings=tuple(told))
    decides = metric if lc and objective in (metric, f"{metric}_official") else "win_rate"
    lacks = objective if objective.startswith(LC) and decides == "win_rate" else ""
    values = _lc_values(list(lc.values())) if decides != "win_rate" else y * 100
    reference = next((job for job in sweep.jobs if job.result.number == base), None)
    no_base = base if reference is None else None
    told = given.of_jobs(
        given.Jobs(len(sweep.instructions), base=no_base, objective=lacks, refused=fitted.refused or "")
    )
    skewed = len({job.replicates for job in sweep.jobs}) > 1
    comparisons = _comparisons(sweep, reference, lc, decides, values, skewed) if reference else {}
    selection = select_best(values.mean(axis=1), values, ALPHA, skewed=skewed) if len(y) > 1 else None
    return Against(
        base,
        comparisons,
        _not_told_from(base, selection, sweep, comparisons) if selection else None,
        {job.result.number: score_win_rate(1 + row) for job, row in zip(sweep.jobs, y, strict=True)},
        _all_pairs(sweep, values, skewed),
        _ranks(sweep, y),
        lc,
        metric,
        decides,
        len(y) > 1 and saturated(y),
        tuple(told),
    )


def _lc_values(fits: list[LengthControlled]) -> Floats:
    """Return each prompt's part in each job's estimate, in points, shape (jobs, prompts)."""
    import numpy as np

    return np.array([fit.value + fit.influence - np.mean(fit.influence) for fit in fits])


def _ranks(sweep: ScoredSweep, y: Floats) -> dict[int, Rank]:
    from alpacabench.scoring.ranking import bradley_terry

    if len(y) < 2:
        return {}
    return {job.result.number: rank for job, rank in zip(sweep.jobs, bradley_terry(y), strict=True)}


def _not_told_from(
    base: int, selection: Selection, sweep: ScoredSweep, comparisons: Mapping[int, JobAgainstBase]
) -> Selection:
    """Return the selection, those tied with the best that the comparison with the base does not tell from it, either.

    The two are tests of their own: a best that stands apart from all would else not be shown to differ from the base.
    """
    numbers = [job.result.number for job in sweep.jobs]
    best = numbers[selection.best]
    compared = {
        (base if number == best else number): one for number, one in comparisons.items() if best in (base, number)
    }
    tied = [row for row, number in enumerate(numbers) if number in compared and not differs(compared[number].p_holm)]
    return replace(selection, tied_with_best=tuple(sorted({*selection.tied_with_best, *tied})))


def _all_pairs(sweep: ScoredSweep, values: Floats, skewed: bool) -> dict[tuple[int, int], float]:
    from alpacabench.scoring.sign_flips import compare_all

    p, numbers = compare_all(values, skewed=skewed), [job.result.number for job in sweep.jobs]
    return {(min(a, b), max(a, b)): float(p[i, j]) for i, a in enumerate(numbers) for j, b in enumerate(numbers[:i])}


def _comparisons(
    sweep: ScoredSweep,
    base: ScoredJob,
    lc: Mapping[int, LengthControlled],
    decides: str,
    values: Floats,
    skewed: bool,
) -> dict[int, JobAgainstBase]:
    from alpacabench.scoring.multiplicity import benjamini_hochberg, holm
    from alpacabench.scoring.normal import two_sided_p
    from alpacabench.scoring.paired import FEW_DRAWS, compare_length_controlled, compare_win_rates
    from alpacabench.scoring.sign_flips import compare_with

    others = [job for job in sweep.jobs if job is not base]
    if not others:
        return {}
    texts = sweep.scored
    reference = sweep.preferences(base, texts)
    deltas = [
        compare_win_rates(texts, reference, texts, sweep.preferences(job, texts), margin=MARGIN, draws=FEW_DRAWS)
        for job in others
    ]
    deltas_lc = [
        compare_length_controlled(lc[base.result.number], lc[job.result.number], MARGIN) if lc else None
        for job in others
    ]
    deciding = [d for d in deltas_lc if d] if decides != "win_rate" else deltas
    # A job that was stopped early would have been compared, too: it counts as a comparison that found nothing.
    p_values = [claim_p(delta) for delta in deciding] + [1.0] * len(sweep.stopped)
    joint = compare_with(values, sweep.jobs.index(base), skewed=skewed)
    return {
        job.result.number: JobAgainstBase(
            delta=delta,
            p_holm=float(p_holm),
            q_bh=float(q_bh),
            p_max_t=float(joint[sweep.jobs.index(job)]),
            p_unpaired=two_sided_p(one.estimate, one.standard_error_unpaired),
            delta_lc=delta_lc,
        )
        for job, delta, delta_lc, one, p_holm, q_bh in zip(
            others,
            deltas,
            deltas_lc,
            deciding,
            holm(p_values)[: len(others)],
            benjamini_hochberg(p_values)[: len(others)],
            strict=True,
        )
    }


def _length_controlled(sweep: ScoredSweep, table: DifficultyTable | None) -> Fits:
    """Fit every job on the shared prompts with a verdict in every job."""
    from alpacabench.scoring.paired import FEW_DRAWS

    return fit_runs([job.run.only(sweep.scored) for job in sweep.jobs], table, FEW_DRAWS)
