"""The contract of the tracking group: a job is started, finished and followed up, and the pipeline looks no further."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from alpacabench.core.component import Component
from alpacabench.io.manifest import Run, SweepLink
from alpacabench.tracking.example import ExampleRow

NOTE = "mlflow.note.content"
"""Tag: the text that MLflow shows above a run."""
BASE = "alpacabench.base"
"""Tag of a sweep's parent run: the job that the others are compared with."""


@dataclass(frozen=True, slots=True)
class JobRecord:
    """All that is tracked of one job. At the start only the fields without a default are known."""

    name: str
    """Label of the run."""
    identity: str
    """Digest of what the job asks."""
    directory: Path
    """The job's run directory."""
    sweep: SweepLink | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    """The chosen options and what varies: what the comparison of runs shows."""
    tags: Mapping[str, str] = field(default_factory=dict)
    config: str = ""
    """The resolved configuration as YAML."""
    dataset: Mapping[str, Any] = field(default_factory=dict)
    """The data set's card: name, source, licence, digest, rows."""
    model: str = ""
    """The model's label; empty for a sweep."""
    parent: str | None = None
    """Id of the run, no job of ours, under which this one is shown; a sweep's own parent run wins."""
    step: int = 0
    """The training step that the metrics belong to."""
    started: float = field(default_factory=time.time)
    """Seconds since the epoch."""
    ended: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    files: Sequence[Path] = ()
    """Files of the run directory that become artifacts."""
    examples: Sequence[ExampleRow] = ()
    """Prompts, answers and verdicts: the table and the traces."""
    prompts: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Judge templates and system prompts for the prompt registry: texts, or chats, by the prompt's name."""
    failure: str | None = None
    """Why the job failed; None where it did not."""


class Tracking(Component):
    """Base of all tracking: the contract keys of the group."""

    group: ClassVar[str] = "tracking"
    shared_keys: ClassVar[frozenset[str]] = frozenset({"parent", "step", "redact"})

    experiment: str | None = None
    """MLflow's experiment."""
    uri: str | None = None
    """Where runs are logged; null is MLFLOW_TRACKING_URI, then sqlite:///outputs/mlflow.db."""
    traces: int | Literal["all"] | None = Field(None, union_mode="left_to_right")
    """How many examples of a run become traces, drawn uniformly; all is up to 1,000, and 5,000 of a sweep."""
    parent: str | None = Field(None, pattern=r"^\w+$")
    """Id of the run, no job of ours, under which this one is shown."""
    step: int | None = Field(None, ge=0)
    """The training step that the metrics belong to."""

    redact: tuple[Literal["privacy", "secrets"], ...] = ()
    """Checks whose findings are masked in all that is written and tracked; the store alone keeps the originals."""

    @abstractmethod
    def open_sweep(self, parent: JobRecord, jobs: Sequence[str]) -> tuple[Run, dict[str, Run]]:
        """Create or continue the parent run; return it, and the runs that jobs of an equal sweep have already."""

    @abstractmethod
    def close_sweep(self, run: Run, parent: JobRecord) -> None:
        """Write what the sweep found and end the parent run; a finished one gets only what another base changes."""

    @abstractmethod
    def start(self, job: JobRecord) -> Run:
        """Create the job's run, or continue the one that an interrupted call left."""

    @abstractmethod
    def finish(self, run: Run, job: JobRecord) -> None:
        """Write all that is tracked and end the run. Costs no result: what cannot be sent is spooled."""

    @abstractmethod
    def follow_up(self, directory: Path, jobs: Sequence[Path]) -> None:
        """Write what could wait until the results were shown: the traces of these jobs' directories.

        Args:
            directory: under which they lie; named where something is left there.
            jobs: their directories.

        """

    @abstractmethod
    def page(self, run: Run, sweep: str | None = None) -> str | None:
        """Return the address of the run's page, or of the comparison of a sweep's jobs; None where there is none.

        Args:
            run: the run, or the sweep's parent run.
            sweep: the sweep's identity.

        """

    @abstractmethod
    def ui_command(self) -> str | None:
        """Return what to run, or where to look, to compare the runs; None where nothing is tracked."""
