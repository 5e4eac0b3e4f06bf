"""The finished jobs of a sweep as one table of outcomes: jobs by prompts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from alpacabench.analysis.finished_run import FinishedRun, read_run
from alpacabench.analysis.sentences import given
from alpacabench.io.manifest import JobResult, Status

if TYPE_CHECKING:
    from alpacabench.scoring.arrays import Floats


@dataclass(frozen=True)
class ScoredJob:
    """A finished job with its outcomes."""

    result: JobResult
    directory: Path
    run: FinishedRun
    replicates: int = 1
    """Jobs that it is the mean of."""
    directories: tuple[Path, ...] = ()
    """Of those jobs; empty where it is the mean of none."""

    @property
    def params(self) -> Mapping[str, str]:
        """What varies in the sweep, with this job's values."""
        return self.result.params


@dataclass(frozen=True)
class ScoredSweep:
    """The finished jobs on the prompts that all of them share."""

    jobs: tuple[ScoredJob, ...]
    instructions: tuple[str, ...]
    """Shared by all jobs, sorted."""
    warnings: tuple[str, ...]
    stopped: tuple[ScoredJob, ...] = ()
    """Stopped early: scored on fewer prompts, and in no comparison."""

    @cached_property
    def scored(self) -> tuple[str, ...]:
        """The instructions with a verdict in every job: every figure that compares jobs is of these."""
        return tuple(
            text for text in self.instructions if not any(math.isnan(j.run.items[text].preference) for j in self.jobs)
        )

    @property
    def identical(self) -> bool:
        """Whether all jobs gave the same answers, to the prompts that they share."""
        answers = [[job.run.items[text].output for text in self.instructions] for job in self.jobs]
        known = bool(self.instructions) and None not in answers[0]
        return len(answers) > 1 and known and all(one == answers[0] for one in answers)

    def preferences(self, job: ScoredJob, instructions: Sequence[str]) -> list[float]:
        """Return the job's preferences in the order of the instructions; NaN where there is none."""
        return [job.run.items[text].preference for text in instructions]

    def outcomes(self) -> Floats:
        """Return y in [0, 1], shape (jobs, prompts), on the prompts that have a verdict in every job."""
        import numpy as np

        from alpacabench.scoring.arrays import outcomes

        y = np.array([outcomes(self.preferences(job, self.scored)) for job in self.jobs])
        return np.asarray(y.reshape(len(self.jobs), len(self.scored)))


def read_jobs(results: Sequence[tuple[JobResult, Path]]) -> ScoredSweep:
    """Read the files of every finished job.

    Raises:
        DataError: a file of a job cannot be used.

    """
    jobs, stopped = _read(results, "finished"), _read(results, "stopped")
    sets = [set(job.run.items) for job in jobs]
    shared = tuple(sorted(set.intersection(*sets))) if sets else ()
    missing = sum(math.isnan(job.run.items[text].preference) for job in jobs for text in shared)
    others = any(len(one) != len(shared) for one in sets)
    told = given.of_jobs(given.Jobs(len(shared), others, len({_judge(job.run) for job in jobs}), missing))
    return ScoredSweep(jobs, shared, tuple(told), stopped)


def _judge(run: FinishedRun) -> str:
    return json.dumps([run.judge, run.judge_settings, run.judge_content], sort_keys=True)


def _read(results: Sequence[tuple[JobResult, Path]], status: Status) -> tuple[ScoredJob, ...]:
    return tuple(ScoredJob(r, path, read_run(str(path))) for r, path in results if r.status == status)
