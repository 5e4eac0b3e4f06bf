"""A sweep as Hydra is asked for it: its directory, its jobs' overrides, and how a job is composed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from alpacabench.cli.hydra_entry import explain
from alpacabench.cli.hydra_overrides import expand, fixed, pairs, searched
from alpacabench.core.errors import AlpacabenchError, ConfigError, Problem
from alpacabench.run.experiment import Experiment, load
from alpacabench.sweep.grid import Overrides, SweepCommand


def read_command(config: DictConfig) -> SweepCommand:
    """Return what the user asks for.

    Raises:
        ConfigError: the sweep's directory cannot be one.

    """
    directory = _settle_directory(config)
    grid = expand(config)
    task = sorted(config.hydra.overrides.task)
    return SweepCommand(
        directory=directory,
        jobs=[_overrides(lines) for lines in (grid if grid is not None else [fixed(config)])],
        searched=None if grid is not None else searched(config),
        search=[OmegaConf.to_container(config.hydra.sweeper), task],
        compose=lambda overrides: _compose(config, overrides.lines),
    )


def _overrides(lines: Sequence[str]) -> Overrides:
    return Overrides(tuple(lines), pairs(lines))


def _compose(config: DictConfig, overrides: Sequence[str]) -> Experiment:
    """Return the experiment of one job; Hydra's own messages in our words."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        job = GlobalHydra.instance().config_loader().load_sweep_config(config, list(overrides))
        return load(job, job.hydra.runtime.choices)
    except (HydraException, OmegaConfBaseException) as error:
        raise AlpacabenchError(explain(error)) from error


def _settle_directory(config: DictConfig) -> Path:
    """Return the sweep's directory, now the same in every process: launchers compose the jobs' configurations anew."""
    from omegaconf import open_dict, read_write

    subdirectory = str(OmegaConf.to_container(config.hydra.sweep, resolve=False)["subdir"])  # type: ignore[index,call-overload]
    if "/" in subdirectory:
        what = f"given '{subdirectory}', a directory in a directory"
        raise ConfigError([Problem("hydra.sweep.subdir", what, "give one name, and the rest with hydra.sweep.dir")])
    directory = Path(str(config.hydra.sweep.dir)).absolute()
    quoted = str(directory).replace("\\", "\\\\").replace("'", "\\'")
    with read_write(config.hydra), open_dict(config.hydra):
        config.hydra.sweep.dir = str(directory)
        config.hydra.overrides.hydra.append(f"hydra.sweep.dir='{quoted}'")
    return directory
