"""One job of a sweep: it never raises through Hydra, but writes how it ended into its directory."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import replace
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from alpacabench.core.errors import AlpacabenchError, StageError
from alpacabench.io.manifest import FAIL_FAST, JobResult, Manifest, pairs
from alpacabench.run import experiment as config
from alpacabench.run import job
from alpacabench.security.redact import redact
from alpacabench.sweep.early_stopping import EarlyStopping

log = logging.getLogger(__name__)


def run_in_sweep(cfg: DictConfig, directory: Path) -> float:
    """Run the job that Hydra composed; returns its objective, the worst possible where it failed or was left out."""
    hydra = HydraConfig.get()
    number, sweep = int(hydra.job.num), Path(hydra.sweep.dir)
    result = JobResult(number, f"job {number}", "", {}, "skipped")
    start = time.monotonic()
    try:
        manifest = Manifest.read(sweep)
        if planned := manifest.jobs.get(number):
            result = JobResult.of(number, planned, "skipped")
        if (sweep / FAIL_FAST).exists():
            replace(result, failure="left out: an earlier job failed, and fail_fast=true").write(directory)
            return _worst(hydra)
        experiment = config.load(cfg, hydra.runtime.choices)
        entry = manifest.entry(number, experiment.identity, pairs(hydra.overrides.task))
        result = JobResult.of(number, entry, "finished")
        stopping = EarlyStopping.of(experiment.settings.early_stopping, manifest, number, sweep)
        evaluation = job.execute(experiment, directory, manifest.link(entry), stopping)
        if "win_rate" not in evaluation.metrics and not evaluation.stopped:
            raise StageError("no prompt has a verdict, so there is nothing to compare")
    # Whatever it is: the other jobs go on.
    except Exception as error:
        expected = isinstance(error, AlpacabenchError)
        failure = redact(str(error) if expected else repr(error))
        log.error("Job %d (%s) failed: %s", number, result.name, failure, exc_info=not expected)
        replace(result, status="failed", failure=failure, seconds=time.monotonic() - start).write(directory)
        if cfg.fail_fast:
            (sweep / FAIL_FAST).touch()
        return _worst(hydra)
    if evaluation.stopped:
        result = replace(result, status="stopped", stopped=evaluation.stopped)
    replace(result, seconds=time.monotonic() - start).write(directory)
    return evaluation.metrics.get(experiment.settings.objective, _worst(hydra))


def _worst(hydra: DictConfig) -> float:
    """Return a value that a search avoids: Optuna ends at NaN. A grid has no direction."""
    return {"maximize": -math.inf, "minimize": math.inf}.get(str(hydra.sweeper.get("direction")), math.nan)
