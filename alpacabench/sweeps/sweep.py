"""One sweep from its start to its end, in the process that the user started."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from alpacabench.core.context import owned
from alpacabench.core.errors import ConfigError, Problem
from alpacabench.core.records import digest
from alpacabench.core.sweep_line import SweepLine
from alpacabench.endpoint.spending import paying
from alpacabench.io.job_names import job_names
from alpacabench.io.manifest import JobEntry, JobResult, Manifest, Run, SweepLink, forget_results, label, read_results
from alpacabench.io.run_files import require_writable
from alpacabench.run import metadata
from alpacabench.run.ahead import ask_ahead
from alpacabench.run.audit import write_sweep_audit
from alpacabench.run.experiment import Experiment
from alpacabench.run.pipeline import Inputs
from alpacabench.run.redaction import shown_examples
from alpacabench.store.store import Store
from alpacabench.sweeps.grid import (
    PlannedJob,
    Prepared,
    SweepCommand,
    no_original,
    plan,
    require_judged,
    require_shared,
)
from alpacabench.tracking.base import BASE, NOTE, JobRecord

log = logging.getLogger(__name__)

SHOWN = 20
"""How many jobs a message lists."""

INTERRUPTED = "interrupted: the same command continues the sweep"


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep whose jobs may run."""

    directory: Path
    lead: Experiment
    """The first job's experiment: its tracking and its label stand for the sweep."""
    manifest: Manifest
    base: int | None
    """Number of the job that the others are compared with; None is the first that finishes."""
    inputs: Inputs
    """The first job's, for the published difficulties."""
    record: JobRecord
    run: Run
    together: bool
    """Whether the jobs' questions are asked before the first of them."""

    def ask_ahead(self) -> None:
        """Ask what all jobs need, in full batches, where the schedule says so; each job then reads its answers."""
        jobs = owned(Prepared).jobs(self.directory)
        if self.together and not self.run.finished and len(jobs) > 1:
            settings, budget = self.lead.settings, self.lead.settings.budget
            scope = budget.account or self.manifest.identity
            with Store(settings.store.url) as store, paying(store, scope, budget.usd):
                ask_ahead([(job.experiment, job.inputs) for job in jobs], store)

    def close(self) -> int:
        """Compare the jobs, write sweep.csv and sweep.html, end the parent run, and write what could wait.

        Returns:
            How many jobs failed or were left out.

        """
        # A plan needs none of the analyses, and they are slow to import.
        from alpacabench.sweeps.ablation import conclude_ablation
        from alpacabench.sweeps.answers import conclude_answers
        from alpacabench.sweeps.conclude import SUMMED, conclude

        results = self._results()
        failed = [result for result, _ in results if result.status not in ("finished", "stopped")]
        first = next((result.number for result, _ in results if result.status == "finished"), 0)
        base = first if self.base is None else self.base
        compared = self.lead.tracking.page(self.run, self.manifest.identity)
        difficulties = self.inputs.difficulties.table
        if self.lead.judge.compares:
            metrics, files, note = conclude(
                self.manifest, results, base, self.directory, difficulties, [conclude_ablation], compared
            )
        else:
            several = any(axis.startswith("dataset") for axis in self.manifest.axes)
            examples = None if several else shown_examples(self.lead, self.inputs.examples)
            metrics, files, note = conclude_answers(self.manifest, results, self.directory, examples, compared)
        if self.run.finished:
            # This call asked nothing: what the sweep took and cost was written when it did.
            metrics = {name: value for name, value in metrics.items() if name not in SUMMED}
        done = replace(
            self.record,
            ended=time.time(),
            tags={**self.record.tags, BASE: _base_name(results, base), NOTE: note},
            metrics=metrics,
            files=files,
            failure=_failure(failed, results),
        )
        done = replace(done, files=[*files, write_sweep_audit(done, [path for _, path in results])])
        self.lead.tracking.close_sweep(self.run, done)
        self.lead.tracking.follow_up(self.directory, [path for _, path in results])
        if self.run.run_id and (command := self.lead.tracking.ui_command()):
            print(f"Compare the runs in MLflow: {command}" + (f", then {compared}" if compared else ""))
        return len(failed)

    def abandon(self) -> None:
        """End the parent run of a sweep that does not come to its end."""
        self.lead.tracking.close_sweep(self.run, replace(self.record, ended=time.time(), failure=INTERRUPTED))

    def _results(self) -> list[tuple[JobResult, Path]]:
        """Return how every job ended, those that left no word included."""
        found = {result.number: (result, path) for result, path in read_results(self.directory)}
        for number, entry in self.manifest.jobs.items():
            lost = JobResult.of(number, entry, "failed", "its process died")
            found.setdefault(number, (lost, self.directory / str(number)))
        return [found[number] for number in sorted(found)]


def open_sweep(command: SweepCommand) -> Sweep | None:
    """Check all jobs, and create or continue the parent run; None where plan=true only asked for the plan.

    Raises:
        ConfigError: all mistakes of all jobs.

    """
    jobs = plan(command)
    require_shared(jobs)
    lead = jobs[0].experiment
    if command.searched is not None:
        _refuse_early_stopping(lead)
        axes, entries = command.searched, {}
        identity = digest([lead.identity, axes, *command.search])
    else:
        axes, entries = list(jobs[0].params), _entries(jobs)
        identity = digest(sorted(job.key for job in jobs))
    require_judged(command, jobs)
    base = base_number(lead.settings.report.base, entries)
    if (lacking := no_original(jobs)) and command.searched is None:
        log.warning("%s", lacking)
    if lead.settings.plan:
        from alpacabench.run.plan import show

        show([(entries[n].name if entries else "a trial", j.experiment, j.inputs) for n, j in enumerate(jobs)])
        return None
    record = _parent(identity, axes, jobs, command.directory)
    require_writable(command.directory, "hydra.sweep.dir")
    run, runs = lead.tracking.open_sweep(record, [job.key for job in jobs] if command.searched is None else [])
    manifest = Manifest(identity, record.name, run.run_id, axes, entries, runs, base, lead.settings.objective)
    forget_results(command.directory)
    manifest.write(command.directory)
    if command.searched is None:
        owned(Prepared).keep(command.directory, jobs)
        if command.in_process:
            owned(SweepLine).open(len(jobs), 0, 0, beside=False)
    _tell(len(entries), run, runs)
    together = _together(command, lead)
    return Sweep(command.directory, lead, manifest, base, jobs[0].inputs, record, run, together)


def _together(command: SweepCommand, lead: Experiment) -> bool:
    """Return whether jobs may be asked ahead: not where one may end the others, or itself, before they ask."""
    settings = lead.settings
    grid = command.in_process and command.searched is None
    stops = settings.fail_fast or settings.early_stopping.alpha is not None
    return grid and settings.schedule == "together" and not stops


def _entries(jobs: Sequence[PlannedJob]) -> dict[int, JobEntry]:
    names = job_names([job.params for job in jobs])
    return {n: JobEntry(job.key, job.params, name) for n, (job, name) in enumerate(zip(jobs, names, strict=True))}


def _refuse_early_stopping(lead: Experiment) -> None:
    if lead.settings.early_stopping.alpha is not None:
        what = "a search chooses its settings by win rates, and those of stopped jobs are too low"
        raise ConfigError([Problem("early_stopping.alpha", what, "leave it at null, or sweep a grid")])


def base_number(given: object, entries: Mapping[int, JobEntry]) -> int | None:
    """Return the number of the job that the others are compared with; None for the first that finishes.

    Args:
        given: `report.base`: null, the job's number, or its overrides (`decoding=greedy`).
        entries: the jobs; empty where they are not known yet, and only a number can be given.

    Raises:
        ConfigError: no job, or more than one, is named.

    """
    if given is None:
        return None
    if not entries and isinstance(given, int):
        return given
    numbers = [n for n, entry in entries.items() if str(given).strip() == str(n) or _names(str(given), entry)]
    if len(numbers) == 1:
        return numbers[0]
    jobs = [f"{number} ({label(entry.params)})" for number, entry in entries.items()]
    found = f"names {len(numbers)} jobs" if numbers else "names no job"
    remedy = "give a job's number or what tells it from the others: " + "; ".join(jobs[:SHOWN])
    raise ConfigError([Problem("report.base", f"given {given!r}, which {found}", remedy)])


def _names(given: str, job: JobEntry) -> bool:
    """Return whether all of a text are overrides of this job; a comma stands between two, or inside of a value."""
    words = set(_words(job))
    named = [word.strip() for word in re.split(r",(?=\s*[\w.@/+~]+=)", given)]
    return given.strip() in words or set(named) <= words


def _words(job: JobEntry | JobResult) -> list[str]:
    return [f"{key}={value}" for key, value in job.params.items()]


def _base_name(results: Sequence[tuple[JobResult, Path]], base: int) -> str:
    """Return what `report.base` would be for this job, whatever the order of the overrides."""
    return next((",".join(sorted(_words(result))) for result, _ in results if result.number == base), "")


def _parent(identity: str, axes: Sequence[str], jobs: Sequence[PlannedJob], directory: Path) -> JobRecord:
    """Return the parent run's record: what all jobs have in common, and what varies."""
    values = {axis: ",".join(dict.fromkeys(job.params[axis] for job in jobs if axis in job.params)) for axis in axes}
    tags = [metadata.tags(job.experiment, job.inputs) for job in jobs]
    cards: list[Mapping[str, Any]] = [job.inputs.dataset for job in jobs]
    name = jobs[0].experiment.settings.name or "sweep"
    return JobRecord(
        name=f"{name}: {' x '.join(axis.rpartition('.')[2] for axis in axes)}" if axes else name,
        identity=identity,
        directory=directory,
        sweep=SweepLink(identity),
        params=values,
        tags={key: value for key, value in tags[0].items() if all(tag.get(key) == value for tag in tags)},
        dataset=cards[0] if all(card == cards[0] for card in cards) else {},
        parent=jobs[0].experiment.tracking.parent,
        started=time.time(),
    )


def _failure(failed: Sequence[JobResult], results: Sequence[object]) -> str | None:
    """Return why the sweep failed."""
    if not failed:
        return None
    return f"{len(failed)} of {len(results)} jobs failed; the first: {failed[0].name}: {failed[0].failure}"


def _tell(jobs: int, run: Run, runs: Mapping[str, Run]) -> None:
    finished = sum(run.finished for run in runs.values())
    if run.finished:
        log.info("This sweep is finished already: its files are written again from the store, and no run is added")
    elif runs:
        log.info("This sweep was started before: %d of %d jobs are finished already", finished, jobs)
