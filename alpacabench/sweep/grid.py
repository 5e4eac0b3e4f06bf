"""The jobs of a sweep before they run: the grid as Hydra's own sweeper expands it, every job composed and checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from alpacabench.cli.hydra_entry import explain
from alpacabench.core.errors import AlpacabenchError, ConfigError, Problem
from alpacabench.core.records import digest
from alpacabench.io.manifest import label, pairs
from alpacabench.run import experiment as configuration
from alpacabench.run.experiment import Experiment
from alpacabench.run.pipeline import Inputs, prepare

PREPARED_BY = ("dataset", "subset", "perturbation", "scoring", "model")
"""Groups that decide what `pipeline.prepare` does."""

OF_THE_SWEEP = (
    "tracking._target_", "tracking.uri", "tracking.experiment", "store.url", "plan", "report.base", "fail_fast",
    "budget.usd",
)  # fmt: skip
"""Keys that belong to the sweep: all its jobs have the same value."""

NAMED = 4
"""How many jobs a message names."""


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """One job of the grid."""

    params: Mapping[str, str]
    """What varies in the sweep, with this job's values."""
    key: str
    """The job's identity, numbered from the second of equal jobs."""
    experiment: Experiment
    inputs: Inputs


def expand(config: DictConfig) -> list[list[str]] | None:
    """Return the overrides of every job; None where the sweeper is not Hydra's basic one and chooses as it goes."""
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

    if not str(config.hydra.sweeper._target_).endswith(".BasicSweeper"):
        return None
    return list(BasicSweeper.split_arguments(_parsed(config), None)[0])


def searched(config: DictConfig) -> list[str]:
    """Return the keys that a search varies, in alphabetical order."""
    return sorted(o.get_key_element().lstrip("+~") for o in _parsed(config) if o.is_sweep_override())


def fixed_overrides(config: DictConfig) -> list[str]:
    """Return the overrides that all jobs of a search share."""
    return [override.input_line for override in _parsed(config) if not override.is_sweep_override()]


def _parsed(config: DictConfig) -> list[Any]:
    """Return Hydra's parsed overrides: those of the sweeper's `params`, then those of the command."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.override_parser.overrides_parser import OverridesParser

    params = config.hydra.sweeper.get("params") or {}
    arguments = [f"{key}={value}" for key, value in params.items()] + list(config.hydra.overrides.task)
    return list(OverridesParser.create(GlobalHydra.instance().config_loader()).parse_overrides(arguments))


def varying(jobs: Sequence[Sequence[str]]) -> list[dict[str, str]]:
    """Return, for each job, the overrides whose value differs between jobs; Hydra's own settings left out."""
    jobs_pairs = [pairs(overrides) for overrides in jobs]
    values = {key: {job[key] for job in jobs_pairs} for key in jobs_pairs[0]} if jobs else {}
    return [
        {key: value for key, value in job.items() if len(values[key]) > 1 and not key.startswith("hydra")}
        for job in jobs_pairs
    ]


def plan(config: DictConfig, grid: Sequence[Sequence[str]]) -> list[PlannedJob]:
    """Compose and check every job before the first one starts.

    Raises:
        ConfigError: all mistakes of all jobs, each told once with the jobs that have it.

    """
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    loader = GlobalHydra.instance().config_loader()
    mistakes: dict[tuple[str, str, str], list[int]] = {}
    prepared: dict[str, Inputs] = {}
    seen: Counter[str] = Counter()
    planned = []
    for number, (overrides, params) in enumerate(zip(grid, varying(grid), strict=True)):
        try:
            job = loader.load_sweep_config(config, list(overrides))
            experiment = configuration.load(job, job.hydra.runtime.choices)
            inputs = _prepare(experiment, prepared)
        except (AlpacabenchError, HydraException, OmegaConfBaseException) as error:
            for problem in _problems(error):
                mistakes.setdefault((problem.where, problem.what, problem.remedy), []).append(number)
            continue
        seen[experiment.identity] += 1
        repeat = seen[experiment.identity]
        key = experiment.identity if repeat == 1 else f"{experiment.identity}-{repeat}"
        planned.append(PlannedJob(params, key, experiment, inputs))
    if mistakes:
        raise ConfigError(_located(problem, jobs, varying(grid)) for problem, jobs in mistakes.items())
    return planned


def require_shared(jobs: Sequence[PlannedJob]) -> None:
    """Refuse a sweep over what belongs to the sweep itself.

    Raises:
        ConfigError: names the keys.

    """
    resolved = [OmegaConf.create(dict(job.experiment.resolved)) for job in jobs]
    values = {key: {str(OmegaConf.select(job, key)) for job in resolved} for key in OF_THE_SWEEP}
    remedy = "give all jobs of a sweep the same"
    problems = [
        Problem(key.removesuffix("._target_"), "takes several values in this sweep", remedy)
        for key, found in values.items()
        if len(found) > 1
    ]
    if problems:
        raise ConfigError(problems)


def _prepare(experiment: Experiment, prepared: dict[str, Inputs]) -> Inputs:
    """Load data and write prompts once for all jobs that share them."""
    key = digest({group: experiment.resolved[group] for group in PREPARED_BY})
    if key not in prepared:
        prepared[key] = prepare(experiment)
    return prepared[key]


def _problems(error: Exception) -> list[Problem]:
    """Return an error's problems; Hydra's own messages in our words."""
    if isinstance(error, ConfigError):
        return error.problems
    where, _, what = (str(error) if isinstance(error, AlpacabenchError) else explain(error)).partition(": ")
    what, _, remedy = what.partition("\n")
    return [Problem(where, what, remedy.strip())]


def _located(problem: tuple[str, str, str], jobs: Sequence[int], params: Sequence[Mapping[str, str]]) -> Problem:
    """Return the problem with the jobs that have it, where not all have."""
    where, what, remedy = problem
    if len(jobs) == len(params):
        return Problem(where, what, remedy)
    named = "; ".join(f"job {number} ({label(params[number])})" for number in jobs[:NAMED])
    more = f" and {len(jobs) - NAMED} more" if len(jobs) > NAMED else ""
    return Problem(where, f"{what}, in {named}{more}", remedy)
