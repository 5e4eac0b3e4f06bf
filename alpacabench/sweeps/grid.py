"""The jobs of a sweep before they run: every one composed and checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alpacabench.core.component import require
from alpacabench.core.errors import AlpacabenchError, ConfigError, Problem, problems_of
from alpacabench.core.records import digest
from alpacabench.io.manifest import label
from alpacabench.run.experiment import Experiment
from alpacabench.run.pipeline import Inputs, prepare
from alpacabench.run.settings import Settings

PREPARED_BY = ("dataset", "subset", "perturbation", "scoring", "model", "checks", "tools", "max_steps", "tool_failures")
"""Groups that decide what `pipeline.prepare` does."""

OF_THE_SWEEP = (
    "tracking._target_", "tracking.uri", "tracking.experiment", "store.url", "plan", "report.base", "fail_fast",
    "budget.usd", "budget.account", "schedule",
)  # fmt: skip
"""Keys that belong to the sweep: all its jobs have the same value."""

BY_VERDICTS = Settings.model_fields["objective"].default
"""The objective that is in force where none is chosen."""

NAMED = 4
"""How many jobs a message names."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """The overrides of one job."""

    lines: tuple[str, ...]
    """As they were given."""
    values: Mapping[str, str]
    """By key, without quotes."""


@dataclass(frozen=True, slots=True)
class SweepCommand:
    """What the user asks for."""

    directory: Path
    """The sweep's; absolute."""
    jobs: Sequence[Overrides]
    """Of every job; of a search, what all its jobs share, once."""
    searched: Sequence[str] | None
    """The keys that a search varies, in alphabetical order; None for a grid, whose jobs are known."""
    search: Sequence[Any]
    """What tells one search from another; JSON-serialisable."""
    in_process: bool
    """Whether the jobs run in this process, one after the other."""
    compose: Callable[[Overrides], Experiment]
    """Builds one job; raises AlpacabenchError for every mistake."""
    mistakes: Sequence[Problem] = ()
    """Of overrides that no job can take: they are left out of the jobs', so that these tell their own, too."""


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """One job of the grid."""

    params: Mapping[str, str]
    """What varies in the sweep, with this job's values."""
    key: str
    """The job's identity, numbered from the second of equal jobs."""
    experiment: Experiment
    inputs: Inputs


class Prepared:
    """The jobs that this process has checked and not run yet, so that it does not compose and prepare them again."""

    def __init__(self) -> None:
        self._jobs: dict[tuple[Path, int], PlannedJob] = {}

    def keep(self, directory: Path, jobs: Sequence[PlannedJob]) -> None:
        """Keep the jobs of a sweep, whose directory is given, instead of those of earlier ones."""
        self._jobs = {(directory, number): job for number, job in enumerate(jobs)}

    def jobs(self, directory: Path) -> list[PlannedJob]:
        """Return the jobs that are kept, by number."""
        return [job for (of, _), job in sorted(self._jobs.items(), key=lambda item: item[0][1]) if of == directory]

    def take(self, directory: Path, number: int) -> PlannedJob | None:
        """Return a job that was kept, once."""
        return self._jobs.pop((directory, number), None)


def varying(jobs: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Return, for each job, the overrides whose value differs between jobs; Hydra's own settings left out."""
    values = {key: {job[key] for job in jobs} for key in jobs[0]} if jobs else {}
    return [
        {key: value for key, value in job.items() if len(values[key]) > 1 and not key.startswith("hydra")}
        for job in jobs
    ]


def plan(command: SweepCommand) -> list[PlannedJob]:
    """Compose and check every job before the first one starts.

    Raises:
        ConfigError: all mistakes of all jobs, each told once with the jobs that have it.

    """
    varied = varying([overrides.values for overrides in command.jobs])
    mistakes: dict[tuple[str, str, str], list[int]] = {}
    prepared: dict[str, Inputs] = {}
    seen: Counter[str] = Counter()
    planned = []
    for number, (overrides, params) in enumerate(zip(command.jobs, varied, strict=True)):
        try:
            experiment = command.compose(overrides)
            inputs = _prepare(experiment, prepared)
        except AlpacabenchError as error:
            for problem in problems_of(error):
                mistakes.setdefault((problem.where, problem.what, problem.remedy), []).append(number)
            continue
        seen[experiment.identity] += 1
        repeat = seen[experiment.identity]
        key = experiment.identity if repeat == 1 else f"{experiment.identity}-{repeat}"
        planned.append(PlannedJob(params, key, experiment, inputs))
    if mistakes or command.mistakes:
        located = [_located(problem, jobs, varied) for problem, jobs in mistakes.items()]
        raise ConfigError([*command.mistakes, *located])
    return planned


def no_original(jobs: Sequence[PlannedJob]) -> str | None:
    """Return a sentence where a sweep over changes of the prompts has no job with the unchanged ones, else None."""
    chosen = dict.fromkeys(job.experiment.choices.get("perturbation", "") for job in jobs)
    strengths = {job.experiment.perturbation.strength for job in jobs}
    if max(len(chosen), len(strengths)) < 2 or "none" in chosen or 0 in strengths:
        return None
    added = "variant=base,..." if jobs[0].experiment.settings.variant else f"perturbation=none,{','.join(chosen)}"
    return (
        "no job has the unchanged prompts, so that the changes are compared with each other and not with the original; "
        f"to add it: {added}"
    )


def require_shared(jobs: Sequence[PlannedJob]) -> None:
    """Refuse a sweep over what belongs to the sweep itself.

    Raises:
        ConfigError: names the keys.

    """
    values = {key: {str(_selected(job.experiment.resolved, key)) for job in jobs} for key in OF_THE_SWEEP}
    remedy = "give all jobs of a sweep the same"
    problems = [
        Problem(key.removesuffix("._target_"), "takes several values in this sweep", remedy)
        for key, found in values.items()
        if len(found) > 1
    ]
    if problems:
        raise ConfigError(problems)


def require_judged(command: SweepCommand, jobs: Sequence[PlannedJob]) -> None:
    """Refuse what needs verdicts where nobody judges, and a sweep of which some jobs are judged.

    Raises:
        ConfigError: names the keys.

    """
    judged = {job.experiment.judge.compares for job in jobs}
    if False not in judged:
        return
    require(list(_unjudged(command, jobs, mixed=len(judged) > 1)))


def _unjudged(command: SweepCommand, jobs: Sequence[PlannedJob], mixed: bool) -> Iterator[Problem]:
    settings = jobs[0].experiment.settings
    if mixed:
        what = "given none beside judges, and the jobs of a sweep are compared by their verdicts"
        yield Problem("judge", what, "leave none out, or take it alone: answers that are kept are not written again")
    chosen = command.searched is not None or any("objective" in job.values for job in command.jobs)
    if chosen and settings.objective == BY_VERDICTS:
        what = f"given '{BY_VERDICTS}', and nobody judges (judge=none)"
        yield Problem("objective", what, "choose a judge, or a figure of answers: objective=avg_length")
    if settings.early_stopping.alpha is not None:
        what = "needs verdicts, and nobody judges (judge=none)"
        yield Problem("early_stopping.alpha", what, "choose a judge, or leave it at null")


def _selected(resolved: Mapping[str, Any], key: str) -> Any:
    """Return the value of a dotted key; None where there is none."""
    value: Any = resolved
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _prepare(experiment: Experiment, prepared: dict[str, Inputs]) -> Inputs:
    """Load data and write prompts once for all jobs that share them."""
    key = digest({group: experiment.resolved.get(group) for group in PREPARED_BY})
    if key not in prepared:
        prepared[key] = prepare(experiment)
    return prepared[key]


def _located(problem: tuple[str, str, str], jobs: Sequence[int], params: Sequence[Mapping[str, str]]) -> Problem:
    """Return the problem with the jobs that have it, where not all have."""
    where, what, remedy = problem
    if len(jobs) == len(params):
        return Problem(where, what, remedy)
    named = "; ".join(f"job {number} ({label(params[number])})" for number in jobs[:NAMED])
    more = f" and {len(jobs) - NAMED} more" if len(jobs) > NAMED else ""
    return Problem(where, f"{what}, in {named}{more}", remedy)
