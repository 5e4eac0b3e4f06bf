"""Stop a job of a sweep as soon as a finished one is shown to be better: a sequential test on prompts.

The mean paired difference is that of the prompts from which the sweep's are a draw. Every ordered pair of jobs may be
tested, at any time, in whatever order jobs run and whichever is best so far; each test has an error probability of
alpha / (jobs * (jobs - 1)). So with a probability of at least 1 - alpha no job is stopped that is not worse than
another by more than the margin.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from alpacabench.core.records import Outcome, Prompt
from alpacabench.io.manifest import JobEntry, JobResult, Manifest, read_results
from alpacabench.run.settings import EarlyStoppingSettings

SAME = ("dataset", "subset", "judge")
"""Groups in which two jobs must not differ: else their difference is not one of settings."""

Outcomes = Mapping[int, float]
"""y in [0, 1] by row number of the prompt."""


@dataclass(slots=True)
class EarlyStopping:
    """The test of one job against those that are finished when it is looked at."""

    alpha: float
    """Error probability of one comparison."""
    margin: float
    """Share by which a job must be worse."""
    every: int
    """Prompts between two looks."""
    job: JobEntry
    directory: Path
    """The sweep's."""
    _read: dict[int, Outcomes] = field(default_factory=dict)

    @classmethod
    def of(
        cls, settings: EarlyStoppingSettings, manifest: Manifest, number: int, directory: Path
    ) -> EarlyStopping | None:
        """Return the test of a job; None where it is off, and for the base, with which all others are compared."""
        jobs = len(manifest.jobs)
        if settings.alpha is None or jobs < 2 or number == (manifest.base or 0):
            return None
        alpha = settings.alpha / (jobs * (jobs - 1))
        return cls(alpha, settings.margin / 100, settings.every, manifest.jobs[number], directory)

    def rounds(self, prompts: Sequence[Prompt]) -> list[list[Prompt]]:
        """Return the prompts in a random order, the same for all jobs, in parts between which the job is looked at."""
        shuffled = random.Random("early stopping").sample(list(prompts), len(prompts))
        return [shuffled[start : start + self.every] for start in range(0, len(shuffled), self.every)]

    def verdict(self, outcomes: Sequence[Outcome], total: int) -> str | None:
        """Return why the job is stopped after these of `total` prompts; None where it goes on."""
        from alpacabench.scoring.sequential import upper_bound

        ours = {o.example.index: o.preference - 1 for o in outcomes if o.preference is not None}
        found = []
        for result, theirs in self._finished():
            differences = [y - theirs[index] for index, y in ours.items() if index in theirs]
            found.append((upper_bound(differences, self.alpha), result.name))
        bound, name = min(found, default=(1.0, ""))
        if bound >= -self.margin or len(outcomes) == total:
            return None
        return (
            f"stopped after {len(outcomes)} of {total} prompts: dominated by {name}, which is better by at least "
            f"{-100 * bound:.1f} points; the win rate here is of fewer prompts and biased towards low: no estimate"
        )

    def _finished(self) -> Iterator[tuple[JobResult, Outcomes]]:
        """Yield the finished jobs that it can be compared with, and their outcomes."""
        for result, directory in read_results(self.directory):
            if result.status == "finished" and self._settings(result.params) == self._settings(self.job.params):
                if result.number not in self._read:
                    self._read[result.number] = _outcomes(directory)
                yield result, self._read[result.number]

    @staticmethod
    def _settings(params: Mapping[str, str]) -> dict[str, str]:
        return {key: value for key, value in params.items() if key.partition(".")[0] in SAME}


def _outcomes(directory: Path) -> Outcomes:
    rows = json.loads((directory / "annotations.json").read_text(encoding="utf-8"))
    return {row["index"]: row["preference"] - 1 for row in rows if row["preference"] is not None}
