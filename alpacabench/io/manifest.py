"""`sweep.json` in the sweep's directory: what the process that starts a sweep tells its jobs, in whatever process.

`job.json` in each job's directory: what the job tells the process that ends the sweep.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from alpacabench.io.job_names import job_names
from alpacabench.io.json_text import loads
from alpacabench.io.run_files import write_json

MANIFEST = "sweep.json"
RESULT = "job.json"
PLACES = ".jobs"
"""A directory in the sweep's: for each job that ended a file that says in which directory. `subdir` may be any path."""
FAIL_FAST = "stopped"
"""A file in the sweep's directory: a job failed under fail_fast=true, and no further job starts."""

Status = Literal["finished", "failed", "skipped", "stopped"]


@dataclass(frozen=True, slots=True)
class Run:
    """A run that was started."""

    run_id: str | None = None
    """None where the run is not tracked, or is spooled because the server cannot be reached."""
    finished: bool = False
    """Whether an equal sweep finished it already: nothing is added."""
    traced: bool = False
    """Whether its traces are written."""


@dataclass(frozen=True, slots=True)
class SweepLink:
    """What ties a job to its sweep; written by the process that starts the sweep."""

    identity: str
    """Digest of the set of jobs."""
    job: str = ""
    """What the job is known by in the sweep: its own identity, numbered where a sweep holds equal jobs."""
    name: str = ""
    """The job's label in the sweep: what varies."""
    params: Mapping[str, str] = field(default_factory=dict)
    """What varies between the jobs, with this job's values."""
    parent_run_id: str | None = None
    """None where the sweep is not tracked, or the tracking server could not be reached."""
    run: Run = Run()
    """The job's own run of an earlier, equal call, where there is one."""


@dataclass(frozen=True, slots=True)
class JobEntry:
    """What is known of a job before it runs."""

    key: str
    """The job's identity, numbered from the second of equal jobs."""
    params: Mapping[str, str]
    """What varies in the sweep, with this job's values."""
    name: str = ""
    """What its run is called: short, and another one for each job."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A sweep and its jobs."""

    identity: str
    name: str
    parent_run_id: str | None
    axes: Sequence[str]
    """The keys that vary."""
    jobs: Mapping[int, JobEntry]
    """By job number; empty where the sweeper chooses jobs as it goes."""
    runs: Mapping[str, Run]
    """The runs that jobs have already from an earlier, equal call, by the job's key."""
    base: int | None = None
    """Number of the job that the others are compared with; None is the first that finishes."""
    objective: str = "win_rate"
    """The metric that decides."""

    def write(self, directory: Path) -> None:
        """Write sweep.json."""
        write_json(directory / MANIFEST, asdict(self))

    @classmethod
    def read(cls, directory: Path) -> Manifest:
        """Return what sweep.json holds."""
        content = loads((directory / MANIFEST).read_bytes())
        jobs = {int(number): JobEntry(**entry) for number, entry in content.pop("jobs").items()}
        runs = {key: Run(**run) for key, run in content.pop("runs").items()}
        return cls(**content, jobs=jobs, runs=runs)

    def entry(self, number: int, identity: str, overrides: Mapping[str, str]) -> JobEntry:
        """Return a job's entry, also of one that the sweeper chose on its way."""
        if number in self.jobs:
            return self.jobs[number]
        params = {key: overrides[key] for key in self.axes if key in overrides}
        return JobEntry(identity, params, job_names([params])[0])

    def link(self, entry: JobEntry) -> SweepLink:
        """Return what ties the job's run to the parent run."""
        return SweepLink(
            identity=self.identity,
            job=entry.key,
            name=entry.name,
            params=entry.params,
            parent_run_id=self.parent_run_id,
            run=self.runs.get(entry.key, Run()),
        )


@dataclass(frozen=True, slots=True)
class JobResult:
    """How one job ended."""

    number: int
    name: str
    identity: str
    params: Mapping[str, str]
    status: Status
    seconds: float = 0.0
    failure: str | None = None
    stopped: str | None = None
    """Why it was stopped early."""

    @classmethod
    def of(cls, number: int, entry: JobEntry, status: Status, failure: str | None = None) -> JobResult:
        """Return the result of a job by its entry."""
        return cls(number, label(entry.params) or f"job {number}", entry.key, entry.params, status, failure=failure)

    def write(self, directory: Path, sweep_directory: Path) -> None:
        """Write job.json into the job's directory, and where that is into the sweep's."""
        write_json(directory / RESULT, asdict(self))
        place = os.path.relpath(directory.absolute(), sweep_directory.absolute())
        write_json(sweep_directory / PLACES / f"{self.number}.json", place)


def label(params: Mapping[str, str]) -> str:
    """Return 'key=value, key=value'."""
    return ", ".join(f"{key}={value}" for key, value in params.items())


def forget_results(sweep_directory: Path) -> None:
    """Remove what an earlier sweep in this directory said of its jobs: every job of the next one says it anew."""
    for path in (sweep_directory / FAIL_FAST, *_places(sweep_directory)):
        path.unlink(missing_ok=True)


def read_results(sweep_directory: Path) -> list[tuple[JobResult, Path]]:
    """Return every job's result and directory, by number."""
    directories = [Path(os.path.normpath(sweep_directory / loads(p.read_bytes()))) for p in _places(sweep_directory)]
    found = [(JobResult(**loads((directory / RESULT).read_bytes())), directory) for directory in directories]
    return sorted(found, key=lambda item: item[0].number)


def _places(sweep_directory: Path) -> list[Path]:
    return list((sweep_directory / PLACES).glob("*.json"))
