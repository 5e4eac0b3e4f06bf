"""Traces that wait until the results are shown: a hidden file in the job's directory, removed once they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from alpacabench.core.errors import DataError
from alpacabench.io.json_text import loads
from alpacabench.io.run_files import write_json
from alpacabench.security.redact import redact, redact_tree
from alpacabench.tracking.base import JobRecord
from alpacabench.tracking.example import ExampleRow, drawn

PENDING = ".traces.json"

PER_RUN = 1000
"""Traces of a run where all are wanted: MLflow's pages and its paired comparison stay quick. A number may be larger."""
PER_SWEEP = 5000
"""And of all runs of a sweep together."""


@dataclass(frozen=True, slots=True)
class Pending:
    """The traces of one run, not yet written."""

    path: Path
    run_id: str
    parent: str | None
    """The sweep's parent run: its runs have traces of the same examples."""
    experiment: str
    """The experiment's id."""
    uri: str
    """Where the run is, redacted."""
    traces: int | Literal["all"]
    """How many are wanted."""
    ended_ms: int
    examples: Sequence[ExampleRow]
    """All of the run."""

    @classmethod
    def of(cls, job: JobRecord, run_id: str, uri: str, traces: int | Literal["all"]) -> Pending:
        """Return what waits of a job; the experiment's id is still to be filled in."""
        return cls(
            path=job.directory / PENDING,
            run_id=run_id,
            parent=job.sweep.parent_run_id if job.sweep else None,
            experiment="",
            uri=redact(uri),
            traces=traces,
            ended_ms=round((job.ended or job.started) * 1000),
            examples=job.examples,
        )


def leave(waiting: Pending) -> None:
    """Leave traces to be written by `follow_up`, or by `alpacabench sync`."""
    content = redact_tree(asdict(waiting))
    del content["path"]
    write_json(waiting.path, content)


def pending(directory: Path) -> list[Path]:
    """Return the files of what waits in this directory and in those below."""
    return sorted(directory.rglob(PENDING))


def read(path: Path) -> Pending:
    """Return what waits in a file.

    Raises:
        DataError: the file cannot be read.

    """
    try:
        content = loads(path.read_bytes())
        examples = [ExampleRow.from_json(row) for row in content.pop("examples")]
        return Pending(path=path, examples=examples, **content)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{path} cannot be read ({error!r}); remove it, and the run has no traces") from error


def same_examples(runs: Sequence[Pending], jobs: int) -> list[Pending]:
    """Return the runs with the examples that become traces, the same prompts for all of them.

    Args:
        runs: what waits.
        jobs: how many runs the sweep has, those included whose traces are written already.

    """
    most = min(PER_RUN, PER_SWEEP // max(jobs, 1))
    return [replace(run, examples=drawn(run.examples, most if run.traces == "all" else run.traces)) for run in runs]
