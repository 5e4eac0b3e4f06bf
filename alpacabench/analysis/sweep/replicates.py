"""Jobs that differ in a seed alone, as one setting: what a setting does is the mean over its replicates.

The mean is taken prompt by prompt, so that the replicates' noise is averaged before anything is compared, and every
figure of a setting comes from the same engine as that of a single job.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from alpacabench.analysis.finished_run import FinishedRun, Item
from alpacabench.analysis.sweep.effects import is_seed
from alpacabench.analysis.sweep.scored import ScoredJob, ScoredSweep
from alpacabench.io.manifest import JobResult, label

Results = Sequence[tuple[JobResult, Path]]
OF_ALL = ("cost_usd",)
"""Metrics of a setting that are sums over its jobs; the others are means."""
OF_FIT = "lc_"
"""Figures of a job's own length-controlled fit: the mean of two fits is not the fit of the means."""


@dataclass(frozen=True)
class Settings:
    """A sweep by setting; the sweep itself where it has no replicates."""

    sweep: ScoredSweep
    results: Results
    """Of every setting, and of every job that failed or was stopped."""
    base: int
    """Number of the base's setting: that of its first finished job, or of the base itself."""


def by_setting(sweep: ScoredSweep, results: Results, base: int) -> Settings:
    """Return the settings of a sweep.

    Jobs on other prompts are no replicates. A sweep of a seed alone is left as it is: it asks how far seeds spread.

    Args:
        sweep: the finished jobs.
        results: how every job ended, and its directory.
        base: number of the job that the others are compared with.

    """
    groups: dict[object, list[ScoredJob]] = {}
    for job in sweep.jobs:
        groups.setdefault((frozenset(_rest(job.params).items()), frozenset(job.run.items)), []).append(job)
    if len(groups) < 2 or not any(_replicates(group) for group in groups.values()):
        return Settings(sweep, results, base)
    jobs = tuple(_setting(group, base) for group in groups.values())
    finished = {job.result.number for job in sweep.jobs}
    others = [(result, path) for result, path in results if result.number not in finished]
    asked = next((_rest(result.params) for result, _ in results if result.number == base), None)
    numbers = [job.result.number for job in jobs if job.result.params == asked]
    return Settings(
        replace(sweep, jobs=jobs),
        [*((job.result, job.directory) for job in jobs), *((replace(r, params=_rest(r.params)), p) for r, p in others)],
        base if base in numbers or not numbers else numbers[0],
    )


def _rest(params: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in params.items() if not is_seed(key)}


def _replicates(group: Sequence[ScoredJob]) -> bool:
    """Return whether the jobs have different seeds: the same job twice is no replicate."""
    return len({tuple(job.params.items()) for job in group}) > 1


def _setting(group: Sequence[ScoredJob], base: int) -> ScoredJob:
    lead = next((job for job in group if job.result.number == base), group[0])
    params = _rest(lead.params)
    result = replace(lead.result, name=label(params), params=params, seconds=sum(job.result.seconds for job in group))
    if len(group) == 1:
        return replace(lead, result=result)
    mean, places = _mean_run([job.run for job in group], lead.run), tuple(job.directory for job in group)
    return replace(lead, result=result, run=mean, replicates=len(group), directories=places)


def _mean_run(runs: Sequence[FinishedRun], lead: FinishedRun) -> FinishedRun:
    items = {text: _mean_item([run.items[text] for run in runs]) for text in lead.items}
    checked = {name: _means([run.checked[name] for run in runs]) for name in _shared([run.checked for run in runs])}
    return replace(lead, items=items, checked=checked, metrics=_metrics(runs, [i.preference for i in items.values()]))


def _mean_item(items: Sequence[Item]) -> Item:
    """Return the prompt with its mean preference, NaN where one verdict is missing, and its mean length."""
    lengths = [item.length for item in items if item.length is not None]
    return replace(
        items[0],
        preference=fmean(item.preference for item in items),
        length=fmean(lengths) if len(lengths) == len(items) else None,
    )


def _metrics(runs: Sequence[FinishedRun], preferences: Sequence[float]) -> dict[str, float]:
    from alpacabench.scoring.win_rate import score_win_rate

    means = _means([run.metrics for run in runs])
    found = {name: value * len(runs) if name in OF_ALL else value for name, value in means.items()}
    rate = score_win_rate(preferences)
    return {name: value for name, value in found.items() if not name.startswith(OF_FIT)} | {
        "win_rate": rate.win_rate,
        "win_rate_ci_low": rate.win_rate_ci_low,
        "win_rate_ci_high": rate.win_rate_ci_high,
        "n_total": rate.n_total,
    }


def _means(held: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {key: fmean(one[key] for one in held) for key in _shared(held)}


def _shared(held: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the keys that all have, in the order of the first."""
    return [key for key in held[0] if all(key in one for one in held)]
