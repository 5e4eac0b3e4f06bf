"""A sweep as Hydra is asked for it: its directory, its jobs' overrides, and how a job is composed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from alpacabench.cli.hydra_mistakes import explain, wrong_overrides
from alpacabench.cli.hydra_overrides import expand, fixed, pairs, searched
from alpacabench.core.errors import ConfigError, Problem
from alpacabench.run.experiment import Experiment, load
from alpacabench.sweeps.grid import Overrides, SweepCommand

LONGEST_NAME = 255
"""Bytes of one name that file systems take."""


def read_command(config: DictConfig) -> SweepCommand:
    """Return what the user asks for.

    Raises:
        ConfigError: the sweep's directory cannot be one.

    """
    directory = _settle_directory(config)
    mistakes, rest = wrong_overrides(config.hydra.overrides.task, several=True)
    if mistakes:
        with read_write(config.hydra):
            config.hydra.overrides.task = rest
    grid = expand(config)
    task = sorted(config.hydra.overrides.task)
    return SweepCommand(
        directory=directory,
        jobs=[_overrides(lines) for lines in (grid if grid is not None else [fixed(config)])],
        searched=None if grid is not None else searched(config),
        search=[OmegaConf.to_container(config.hydra.sweeper), task],
        in_process=str(config.hydra.launcher.get("_target_")).endswith(".BasicLauncher"),
        compose=partial(_compose, config, {}),
        mistakes=mistakes,
    )


def _overrides(lines: Sequence[str]) -> Overrides:
    return Overrides(tuple(lines), pairs(lines))


def _compose(config: DictConfig, taken: dict[str, int], overrides: Overrides) -> Experiment:
    """Return the experiment of one job; Hydra's own messages in our words.

    Args:
        config: the sweep's.
        taken: the directories of the jobs before, by number; this job's is added.
        overrides: the job's.

    """
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        job = GlobalHydra.instance().config_loader().load_sweep_config(config, list(overrides.lines))
        _require_own_directory(job, taken)
        return load(job, job.hydra.runtime.choices)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError([explain(error)]) from error


def _require_own_directory(job: DictConfig, taken: dict[str, int]) -> None:
    """Refuse a directory that another job has, too, or that no file system takes.

    Raises:
        ConfigError: names the jobs.

    """
    number = len(taken)
    with read_write(job.hydra), open_dict(job.hydra):
        job.hydra.job.num, job.hydra.job.id = number, str(number)
    directory = os.path.normpath(str(job.hydra.sweep.subdir))
    remedy = "give each job a name of its own: ${hydra.job.num}"
    if directory in taken:
        what = f"gives the jobs {taken[directory]} and {number} the same directory, '{directory}'"
        raise ConfigError([Problem("hydra.sweep.subdir", what, remedy)])
    if any(len(part.encode()) > LONGEST_NAME for part in directory.split(os.sep)):
        what = f"gives job {number} a name of more than {LONGEST_NAME} bytes"
        raise ConfigError([Problem("hydra.sweep.subdir", what, remedy)])
    taken[directory] = number


def _settle_directory(config: DictConfig) -> Path:
    """Return the sweep's directory, now the same in every process: launchers compose the jobs' configurations anew."""
    directory = Path(str(config.hydra.sweep.dir)).absolute()
    quoted = str(directory).replace("\\", "\\\\").replace("'", "\\'")
    with read_write(config.hydra), open_dict(config.hydra):
        config.hydra.sweep.dir = str(directory)
        config.hydra.overrides.hydra.append(f"hydra.sweep.dir='{quoted}'")
    return directory
