"""One job as Hydra starts it: alone, or as a part of a sweep."""

from __future__ import annotations

import logging
import math
from contextlib import chdir, nullcontext
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from alpacabench.cli.footprint import Footprint
from alpacabench.cli.hydra_overrides import pairs
from alpacabench.core.context import current, owned
from alpacabench.core.errors import AlpacabenchError, ConfigError, DataError, Problem
from alpacabench.io.audit import close_record
from alpacabench.run import saved_judge
from alpacabench.run.experiment import load
from alpacabench.run.job import run_alone
from alpacabench.security.output import guard
from alpacabench.security.redact import redact
from alpacabench.sweeps.job import StartedJob, run_in_sweep

log = logging.getLogger(__name__)

NO_PLAN = Problem(
    "plan",
    "given true, which runs nothing, so that there is nothing to return",
    "leave it out; `alpacabench run ... plan=true` prints what would run and what it would cost",
)
WORST = {"maximize": -math.inf, "minimize": math.inf}
"""The objective that a search avoids, by its direction; a grid has none."""


def run(cfg: DictConfig) -> float | None:
    """Evaluate the job that Hydra composed; returns its objective.

    In a sweep the job never raises through Hydra, which would print a traceback and leave out the sweep's end: its
    failure is written into the job's directory, and the objective is the worst possible.
    """
    guard()  # A launcher may have started this process.
    hydra = HydraConfig.get()
    current().directory = Path(hydra.runtime.cwd)
    directory = Path(hydra.runtime.output_dir)
    try:
        # Whatever hydra.job.chdir says: relative paths, the store's among them, mean what they did for the caller.
        with chdir(hydra.runtime.cwd) if Path(hydra.runtime.cwd).is_dir() else nullcontext():
            if hydra.mode == RunMode.MULTIRUN:
                return run_in_sweep(cfg, _started(hydra, directory))
            return _alone(cfg, hydra, directory)
    except AlpacabenchError as error:
        log.error("%s", redact(str(error)))
        close_record(directory)
        _forget_refused(error)
        # Past Hydra, which would print its own words about an exception.
        raise SystemExit(error.exit_code) from None


def evaluate(cfg: DictConfig) -> float | None:
    """Evaluate one job for Python code, which wants the error itself.

    Raises:
        AlpacabenchError: the job failed, or its configuration asks for a plan alone.

    """
    hydra = HydraConfig.get()
    try:
        experiment = load(cfg, dict(hydra.runtime.choices))
        if experiment.settings.plan:
            raise ConfigError([NO_PLAN])
        return run_alone(experiment, Path(hydra.runtime.output_dir))
    except AlpacabenchError as error:
        _forget_refused(error)
        raise


def _alone(cfg: DictConfig, hydra: DictConfig, directory: Path) -> float | None:
    experiment = load(cfg, dict(hydra.runtime.choices))
    folders = [Path(source.path) for source in hydra.runtime.config_sources if source.schema == "file"]
    for sentence in saved_judge.told(folders, experiment.judge):
        log.warning("%s", sentence)
    if not experiment.settings.plan:
        return run_alone(experiment, directory)
    from alpacabench.run.pipeline import prepare
    from alpacabench.run.plan import show

    show([("", experiment, prepare(experiment))])
    owned(Footprint).undo()
    return None


def _forget_refused(error: AlpacabenchError) -> None:
    """Leave nothing of a run that was refused before it began."""
    if isinstance(error, ConfigError | DataError):
        owned(Footprint).undo()


def _started(hydra: DictConfig, directory: Path) -> StartedJob:
    return StartedJob(
        number=int(hydra.job.num),
        directory=directory,
        sweep_directory=Path(hydra.sweep.dir),
        overrides=pairs(hydra.overrides.task),
        choices=dict(hydra.runtime.choices),
        worst=WORST.get(str(hydra.sweeper.get("direction")), math.nan),
    )
