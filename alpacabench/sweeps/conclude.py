"""Which setting is better, by how much, and is it luck: `sweep.csv`, `sweep.html`, the table on the terminal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from alpacabench.analysis.decision import detectable
from alpacabench.analysis.estimate import Estimate, finite
from alpacabench.analysis.numerics import of_sweep
from alpacabench.analysis.sentences import judges, numerics
from alpacabench.analysis.sweep.against import Against, compare_to_base
from alpacabench.analysis.sweep.effects import effects
from alpacabench.analysis.sweep.replicates import Settings, by_setting
from alpacabench.analysis.sweep.scored import ScoredJob, ScoredSweep, read_jobs
from alpacabench.analysis.sweep.table import SweepRow, SweepTable
from alpacabench.analysis.sweep.variance import seed_spread, variance_split
from alpacabench.analysis.sweep.violations import JobViolations, violations
from alpacabench.analysis.trust.summary import read_verdicts
from alpacabench.io.job_names import short_params
from alpacabench.io.manifest import JobResult, Manifest
from alpacabench.report.sweep_csv import write_csv, write_pairs_csv
from alpacabench.report.sweep_terminal import show
from alpacabench.report.sweep_words import sweep_note
from alpacabench.scoring.normal import Z_95

if TYPE_CHECKING:
    from alpacabench.scoring.difficulty import DifficultyTable
    from alpacabench.scoring.length_control import LengthControlled

Results = Sequence[tuple[JobResult, Path]]

SUMMED = (
    "n_generated", "n_generated_cached", "n_judged", "n_judged_cached", "prompt_tokens", "completion_tokens",
    "judge_prompt_tokens", "judge_completion_tokens", "cost_usd", "generate_seconds", "judge_seconds", "model_loads",
)  # fmt: skip
"""Metrics of the jobs whose sums are metrics of the sweep."""


@dataclass(frozen=True)
class FinishedSweep:
    """What an analysis that follows a sweep works on."""

    title: str
    axes: Sequence[str]
    """The keys that vary."""
    scored: ScoredSweep
    base: int
    """Number of the job that the others are compared with."""
    directory: Path
    difficulties: DifficultyTable | None
    """Published ones, for the regularised length control."""


FollowUp = Callable[[FinishedSweep], tuple[dict[str, float], list[Path]]]
"""Analyses a finished sweep; returns metrics of the sweep and the files that it wrote, none where it has no say."""


def conclude(
    manifest: Manifest,
    results: Results,
    base: int,
    directory: Path,
    difficulties: DifficultyTable | None,
    follow_ups: Sequence[FollowUp] = (),
    tracked: str | None = None,
) -> tuple[dict[str, float], list[Path], str]:
    """Compare the jobs, write the sweep's files and show the table; returns the sweep's metrics, files and findings.

    Args:
        manifest: the sweep.
        results: how every job ended, and its directory.
        base: number of the job that the others are compared with.
        directory: the sweep's directory.
        difficulties: published difficulties, for the regularised length control.
        follow_ups: further analyses, in their order.
        tracked: address of MLflow's comparison of the jobs.

    """
    from alpacabench.report.explorer_page import EVERY_ANSWER
    from alpacabench.report.sweep_report import write_sweep_report
    from alpacabench.sweeps.explorer import write_explorer

    results = _told_apart(results)
    sweep = read_jobs(results)
    against = compare_to_base(sweep, base, difficulties, manifest.objective)
    jobs = _rows(sweep, against, results)
    settings, by_jobs = by_setting(sweep, results, base), against
    if settings.sweep is not sweep:
        against = compare_to_base(settings.sweep, settings.base, difficulties, manifest.objective)
        # Means over replicates may all be draws where no verdict is one.
        against = replace(against, saturated=by_jobs.saturated)
    metrics = sweep_metrics(sweep, settings.sweep, against, results, manifest.axes)
    table = _table(manifest, sweep, settings, against, metrics)
    if tracked:
        table = replace(table, about={**table.about, "in MLflow": tracked})
    page = directory / "sweep.html"
    explorer = write_explorer(page, manifest.name, sweep, base, tracked)
    files = [
        write_csv(directory / "sweep.csv", manifest.axes, [r for r, _ in results], jobs, sweep, by_jobs),
        write_sweep_report(page, table, {EVERY_ANSWER: explorer.name} if explorer else {}),
        write_pairs_csv(directory / "sweep_pairs.csv", [r for r, _ in settings.results], against),
    ]
    if settings.sweep is not sweep:
        held = [r for r, _ in settings.results]
        files.append(
            write_csv(directory / "sweep_settings.csv", manifest.axes, held, table.rows, settings.sweep, against)
        )
    files += [explorer] if explorer else []
    show(table)
    print(f"Sweep report: {files[1]}")
    finished = FinishedSweep(manifest.name, manifest.axes, sweep, base, directory, difficulties)
    for follow_up in follow_ups:
        more_metrics, more_files = follow_up(finished)
        metrics |= more_metrics
        files += more_files
    return metrics, files, sweep_note(table, files[1], tracked)


def _told_apart(results: Results) -> Results:
    """Return the results with the number in the name of jobs that ask the same: `-m seed=1,1`."""
    names = Counter(result.name for result, _ in results)
    return [
        (replace(result, name=f"{result.name} (job {result.number})") if names[result.name] > 1 else result, path)
        for result, path in results
    ]


def sweep_metrics(
    sweep: ScoredSweep, settings: ScoredSweep, against: Against, results: Results, axes: Sequence[str]
) -> dict[str, float]:
    """Return the sweep's own figures under their MLflow names.

    Args:
        sweep: the finished jobs.
        settings: the same with replicates as one: what is compared.
        against: the comparison of the settings.
        results: how every job ended.
        axes: the keys that vary.

    """
    scored = (*sweep.jobs, *sweep.stopped)
    # In this order MLflow and the page show them: what was found first.
    metrics: dict[str, float] = {}
    metrics["saturated"] = float(against.saturated)
    if (selection := against.selection) and not against.saturated:
        best = settings.jobs[selection.best].result.number
        metrics |= {
            "win_rate": against.rates[best].win_rate,
            **({against.lc_metric: against.lc[best].value} if against.lc else {}),
            "best_run": best,
            "p_best": selection.p_best[selection.best],
            "tied_with_best": len(selection.tied_with_best),
            "best_minus_mean": selection.best_minus_mean,
            "expected_best_under_null": selection.expected_best_under_null,
            "shrunken_best": selection.shrunken_best,
            "sd_between": selection.sd_between,
        }
        if len(settings.jobs) < len(sweep.jobs):
            metrics["n_settings"] = len(settings.jobs)
        if (spread := seed_spread(sweep, axes)) is not None:
            metrics["sd_seed"] = spread
    found = [c.delta.mde_80 for c in against.comparisons.values() if c.delta.standard_error > 0]
    if found:
        metrics["mde_80_paired"] = median(found)
    metrics |= {"n_jobs": len(results), "n_failed_jobs": len(results) - len(scored)}
    if sweep.stopped:
        metrics["n_stopped_jobs"] = len(sweep.stopped)
    for name in SUMMED:
        known = [job.run.metrics[name] for job in scored if finite(job.run.metrics.get(name))]
        if len(known) == len(scored) and known:
            metrics[name] = sum(known)
    return metrics


def _rows(sweep: ScoredSweep, against: Against, results: Results) -> tuple[SweepRow, ...]:
    jobs = {job.result.number: job for job in (*sweep.jobs, *sweep.stopped)}
    tied = [sweep.jobs[i].result.number for i in against.selection.tied_with_best] if against.selection else []
    if len(sweep.jobs) == 1 and sweep.stopped:  # the others were stopped because this one is better
        tied = [sweep.jobs[0].result.number]
    names = {result.number: result.name for result, _ in results}
    shown, checked = short_params([result.params for result, _ in results]), violations(sweep, against.base or 0)
    return tuple(
        _row(result, params, jobs.get(n := result.number), against, n in tied, names, checked.get(n, {}))
        for (result, _), params in zip(results, shown, strict=True)
    )


def _table(
    manifest: Manifest, sweep: ScoredSweep, settings: Settings, against: Against, metrics: Mapping[str, float]
) -> SweepTable:
    return SweepTable(
        title=manifest.name,
        rows=_rows(settings.sweep, against, _told_apart(settings.results)),
        base=next((result.name for result, _ in _told_apart(settings.results) if result.number == against.base), None),
        lc_name=against.lc_metric,
        decides=against.decides,
        detectable=_detectable(against),
        saturated=against.saturated,
        identical=sweep.identical,
        n_shared=len(sweep.scored),
        effects=effects(sweep, manifest.axes) if against.selection else (),
        variance=variance_split(sweep, manifest.axes),
        metrics=dict(metrics),
        about={
            "varied": ", ".join(manifest.axes),
            "judge": ", ".join(dict.fromkeys(job.run.judge for job in sweep.jobs)),
            "reference": ", ".join(dict.fromkeys(job.run.reference for job in sweep.jobs)),
            "sweep": manifest.identity[:16],
        },
        warnings=(*sweep.warnings, *against.warnings, *numerics.findings(of_sweep(sweep))),
    )


def _detectable(against: Against) -> float | None:
    deciding = [c.delta if against.decides == "win_rate" else c.delta_lc for c in against.comparisons.values()]
    found = [size for delta in deciding if delta and (size := detectable(delta)) is not None]
    return median(found) if found and len(found) == len(deciding) else None


def _row(
    result: JobResult, shown: Mapping[str, str], job: ScoredJob | None, against: Against, tied: bool,
    names: Mapping[int, str], checked: Mapping[str, JobViolations],
) -> SweepRow:  # fmt: skip
    if job is None:
        failure = result.failure or "no result"
        return SweepRow(result.name, shown, seconds=result.seconds, failure=failure)
    metrics, comparison = job.run.metrics, against.comparisons.get(result.number)
    lc, delta_lc = against.lc.get(result.number), comparison.delta_lc if comparison else None
    return SweepRow(
        name=result.name,
        overrides=shown,
        win_rate=None if result.stopped else _shared_rate(job, against),
        own_win_rate=_own_rate(job, against),
        lc=_length_controlled(lc, metrics, against.lc_metric) if lc else None,
        delta_wr=Estimate.of_delta(comparison.delta) if comparison else None,
        delta_lc=Estimate.of_delta(delta_lc) if delta_lc else None,
        p_holm=comparison.p_holm if comparison else None,
        q_bh=comparison.q_bh if comparison else None,
        p_max_t=comparison.p_max_t if comparison else None,
        p_unpaired=comparison.p_unpaired if comparison else None,
        mde_80=detectable(comparison.delta) if comparison else None,
        p_all_pairs={names[sum(pair) - result.number]: p for pair, p in against.pairs.items() if result.number in pair},
        tied_with_best=tied,
        n=int(metrics.get("n_total", 0)),
        replicates=job.replicates,
        cost_usd=metrics.get("cost_usd"),
        seconds=result.seconds,
        full_cost_usd=metrics.get("full_cost_usd"),
        seconds_per_answer=metrics.get("seconds_per_answer"),
        stopped=result.stopped,
        violations=checked,
        trust=judges.line(read_verdicts(job.directories or [job.directory])),
    )


def _shared_rate(job: ScoredJob, against: Against) -> Estimate:
    rate = against.rates.get(job.result.number)
    if rate is None or rate.n_total == job.run.metrics.get("n_total"):
        return _stated_rate(job)
    return Estimate(rate.win_rate, rate.win_rate_ci_low, rate.win_rate_ci_high)


def _own_rate(job: ScoredJob, against: Against) -> Estimate | None:
    """Return the rate on the job's own prompts, where they are not the shared ones."""
    rate = against.rates.get(job.result.number)
    return None if rate is None or rate.n_total == job.run.metrics.get("n_total") else _stated_rate(job)


def _stated_rate(job: ScoredJob) -> Estimate:
    stated = job.run.metrics
    return Estimate(stated["win_rate"], stated.get("win_rate_ci_low"), stated.get("win_rate_ci_high"))


def _length_controlled(fit: LengthControlled, metrics: Mapping[str, float], name: str) -> Estimate:
    """Return the fit with the bootstrap interval of the job's own metrics, where that is of the same prompts."""
    suffix = name.removeprefix("length_controlled_winrate")
    low, high = (metrics.get(f"lc_ci_{end}{suffix}") for end in ("low", "high"))
    if finite(low) and finite(high) and math.isclose(metrics.get(name, math.nan), fit.value, abs_tol=1e-6):
        return Estimate(fit.value, low, high)
    half = Z_95 * fit.standard_error
    return Estimate(fit.value, fit.value - half, fit.value + half)
