"""One job: an experiment in, files and a tracked run out."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpacabench.core.errors import AlpacabenchError, ConfigError, Problem
from alpacabench.endpoint.spending import paying
from alpacabench.io.manifest import SweepLink, label
from alpacabench.io.run_files import write_judge, write_run
from alpacabench.run import metadata, pipeline
from alpacabench.run.ahead import ask_beside
from alpacabench.run.audit import write_audit
from alpacabench.run.experiment import Experiment, redacted_yaml
from alpacabench.run.judge_trust import Examined, examine
from alpacabench.run.pipeline import Evaluation, Inputs, Stopping
from alpacabench.run.redaction import prompts, redacted
from alpacabench.store.store import Store
from alpacabench.tracking.base import NOTE, JobRecord

if TYPE_CHECKING:
    from alpacabench.analysis.explorer.content import Explorer

log = logging.getLogger(__name__)


def run_alone(experiment: Experiment, directory: Path) -> float:
    """Run a job that belongs to no sweep; returns its objective, NaN where that is not known.

    Raises:
        AlpacabenchError: the job failed, or it is told to stop early.

    """
    if experiment.settings.early_stopping.alpha is not None:
        what = "a single run has no other job to compare itself with"
        raise ConfigError([Problem("early_stopping.alpha", what, "leave it at null, or run a sweep: -m")])
    metrics = execute(experiment, directory).metrics
    experiment.tracking.follow_up(directory, [directory])
    return metrics.get(experiment.settings.objective, math.nan)


def execute(
    experiment: Experiment,
    directory: Path,
    sweep: SweepLink | None = None,
    stopping: Stopping | None = None,
    inputs: Inputs | None = None,
) -> Evaluation:
    """Run one job, write its files and track it; returns what it found.

    Args:
        experiment: the job.
        directory: the job's.
        sweep: what ties it to its sweep.
        stopping: may end it early.
        inputs: what it works on, where that is prepared already.

    Raises:
        AlpacabenchError: the job failed; the tracked run says so, and what was answered is kept.

    """
    inputs, judge = inputs or pipeline.prepare(experiment), experiment.judge.content()
    record = JobRecord(
        name=metadata.run_name(experiment),
        identity=experiment.identity,
        directory=directory,
        sweep=sweep,
        params=metadata.params(experiment, inputs),
        tags=metadata.tags(experiment, inputs),
        config=redacted_yaml(experiment),
        dataset=inputs.dataset,
        model=experiment.model.label,
        parent=experiment.tracking.parent,
        step=experiment.tracking.step or 0,
        started=time.time(),
    )
    tracked = experiment.tracking.start(record)
    evaluation, written, trust = None, list[Path](), Examined()
    try:
        evaluation = redacted(experiment, _evaluate(experiment, inputs, sweep, stopping))
        written = [*_write_figures(experiment, evaluation, directory), *write_judge(directory, judge)]
        written += (trust := examine(experiment, evaluation, directory)).files
        written += _write(experiment, evaluation, trust, directory, sweep, experiment.tracking.page(tracked))
        pipeline.require_scores(evaluation, experiment.settings.max_failures, bool(experiment.model.allow_missing))
    except BaseException as error:
        failure = str(error) if isinstance(error, AlpacabenchError) else repr(error)
        found = replace(_found(record, evaluation, written), failure=failure)
        with suppress(OSError):  # A full disk is told by the error itself.
            logged = replace(found, files=[*written, *_logs(directory)])
            found = replace(found, files=[*written, write_audit(experiment, inputs, logged, tracked)])
        experiment.tracking.finish(tracked, found)
        raise
    found = replace(_found(record, evaluation, written), prompts=prompts(experiment, evaluation))
    found = replace(found, files=[*written, write_audit(experiment, inputs, found, tracked)])
    note = metadata.note(experiment, evaluation, directory, trust.lines)
    told = replace(found, tags={**found.tags, NOTE: note}, metrics={**found.metrics, **trust.metrics})
    experiment.tracking.finish(tracked, told)
    return evaluation


def _evaluate(experiment: Experiment, inputs: Inputs, sweep: SweepLink | None, stopping: Stopping | None) -> Evaluation:
    """Ask, judge and score, with the store open and somebody who pays."""
    budget = experiment.settings.budget
    scope = budget.account or (sweep.identity if sweep else experiment.identity)
    with Store(experiment.settings.store.url) as store, paying(store, scope, budget.usd):
        if sweep is None:
            ask_beside(experiment, inputs, store)
        return pipeline.evaluate(experiment, inputs, store, stopping)


def _write_figures(experiment: Experiment, evaluation: Evaluation, directory: Path) -> list[Path]:
    found = evaluation.outcomes, evaluation.metrics, experiment.judge.label, evaluation.canaries
    return write_run(directory, *found)


def _write(
    experiment: Experiment, evaluation: Evaluation, trust: Examined, directory: Path, sweep: SweepLink | None,
    tracked: str | None,
) -> list[Path]:  # fmt: skip
    """Write what is read and return it: the directory may hold other files, which are nobody's business."""
    from alpacabench.report.explorer_page import EVERY_ANSWER, write_explorer
    from alpacabench.report.leaderboard_csv import write_leaderboard
    from alpacabench.report.run_report import write_run_report

    outcomes, metrics, scores = evaluation.outcomes, evaluation.metrics, evaluation.scores
    written = list[Path]()
    if experiment.judge.compares:
        written.append(write_leaderboard(directory / "leaderboard.csv", experiment.model.label, metrics))
    facts = metadata.facts(experiment, evaluation.inputs)
    own = metadata.own_figures(experiment, metrics)
    facts |= {"name": label(sweep.params)} if sweep and sweep.params else {}
    facts |= own
    facts |= {"in MLflow": tracked} if tracked else {}
    facts |= {f"no {metric}": reason for metric, reason in scores.refused.items()}
    page = directory / "report.html"
    explorer = write_explorer(page, _explorer(experiment, evaluation, facts, tracked))
    report = write_run_report(
        page, outcomes, metrics, facts, scores.warnings, {EVERY_ANSWER: explorer.name}, trust.found
    )
    for warning in scores.warnings:
        log.warning("%s", warning)
    log.info("%s", metadata.headline(experiment, metrics))
    for line in trust.lines:
        log.info("Trust in %s", line)
    for name, value in own.items():
        log.info("%s: %s", name, value)
    log.info("Report: %s", report)
    return [*written, report, explorer, *_logs(directory)]


def _explorer(
    experiment: Experiment, evaluation: Evaluation, facts: Mapping[str, str], tracked: str | None
) -> Explorer:
    from alpacabench.analysis.explorer.outcomes import of_outcomes

    links = {"MLflow": tracked} if tracked else {}
    names = (facts["model"], facts["reference"], experiment.judge.label)
    return replace(of_outcomes(evaluation.outcomes, *names, links), title=facts["name"])


def _logs(directory: Path) -> list[Path]:
    """Return the log files of this process in the run's directory."""
    names = [
        handler.baseFilename for handler in logging.getLogger().handlers if isinstance(handler, logging.FileHandler)
    ]
    return [path for path in map(Path, names) if path.parent == directory]


def _found(record: JobRecord, evaluation: Evaluation | None, written: Sequence[Path]) -> JobRecord:
    """Return the record with what the job found so far."""
    from alpacabench.tracking.example import example_rows

    found: dict[str, Any] = {"ended": time.time()}
    if evaluation is not None:
        found |= {"metrics": evaluation.metrics, "examples": example_rows(evaluation.outcomes), "files": written}
        if evaluation.stopped:
            found["tags"] = {**record.tags, "alpacabench.stopped_early": evaluation.stopped}
    return replace(record, **found)
