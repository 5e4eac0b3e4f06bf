"""One job of a sweep: it never raises, but writes how it ended into its directory."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from omegaconf import DictConfig

from alpacabench.core.context import owned
from alpacabench.core.errors import AlpacabenchError, StageError
from alpacabench.core.sweep_line import SweepLine
from alpacabench.io.audit import close_record
from alpacabench.io.manifest import FAIL_FAST, RESULT, JobResult, Manifest
from alpacabench.run.experiment import load
from alpacabench.run.job import execute
from alpacabench.security.redact import redact
from alpacabench.sweeps.early_stopping import EarlyStopping
from alpacabench.sweeps.grid import Prepared

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StartedJob:
    """One job of a sweep as a launcher starts it, in whatever process."""

    number: int
    directory: Path
    """The job's."""
    sweep_directory: Path
    overrides: Mapping[str, str]
    """By key, without quotes."""
    choices: Mapping[str, str]
    """The chosen option by group."""
    worst: float
    """The objective of a job that failed: what a search avoids. Optuna ends at NaN."""


def run_in_sweep(cfg: DictConfig, started: StartedJob) -> float:
    """Run a job; returns its objective, the worst possible where it failed or was left out."""
    number, directory, sweep = started.number, started.directory, started.sweep_directory
    result = JobResult(number, f"job {number}", "", {}, "skipped")
    start = time.monotonic()
    try:
        manifest = Manifest.read(sweep)
        if planned := manifest.jobs.get(number):
            result = JobResult.of(number, planned, "skipped")
        if (sweep / FAIL_FAST).exists():
            replace(result, failure="left out: an earlier job failed, and fail_fast=true").write(directory, sweep)
            return started.worst
        prepared = owned(Prepared).take(sweep, number)
        experiment = prepared.experiment if prepared else load(cfg, started.choices)
        entry = manifest.entry(number, experiment.identity, started.overrides)
        result = JobResult.of(number, entry, "finished")
        stopping = EarlyStopping.of(experiment.settings.early_stopping, manifest, number, sweep)
        inputs = prepared.inputs if prepared else None
        evaluation = execute(experiment, directory, manifest.link(entry), stopping, inputs)
        judged = experiment.judge.compares
        if judged and "win_rate" not in evaluation.metrics and not evaluation.stopped:
            raise StageError("no prompt has a verdict, so there is nothing to compare")
    # Whatever it is: the other jobs go on.
    except Exception as error:
        expected = isinstance(error, AlpacabenchError)
        failure = redact(str(error) if expected else repr(error))
        log.error("Job %d (%s) failed: %s", number, result.name, failure, exc_info=not expected)
        replace(result, status="failed", failure=failure, seconds=time.monotonic() - start).write(directory, sweep)
        close_record(directory, directory / RESULT)
        if cfg.fail_fast:
            (sweep / FAIL_FAST).touch()
        _tell(None, time.monotonic() - start)
        return started.worst
    if evaluation.stopped:
        result = replace(result, status="stopped", stopped=evaluation.stopped)
    replace(result, seconds=time.monotonic() - start).write(directory, sweep)
    close_record(directory, directory / RESULT)
    _tell(evaluation.usage.cost_usd, time.monotonic() - start)
    return evaluation.metrics.get(experiment.settings.objective, started.worst)


def _tell(dollars: float | None, seconds: float) -> None:
    """Count the job in the sweep's line, where that is of this process; what was asked ahead of it stands there."""
    line = owned(SweepLine)
    if line.jobs > line.jobs_done:
        if not line.parts["answers"].total:
            line.pay(dollars)
        line.job_done(seconds)
