"""No tracking: the files of the run directory are all that is written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alpacabench.io.manifest import Run
from alpacabench.tracking.base import JobRecord, Tracking


class NoTracking(Tracking):
    """Track nothing: `tracking=none`."""

    def open_sweep(self, parent: JobRecord, jobs: Sequence[str]) -> tuple[Run, dict[str, Run]]:
        """Return untracked runs."""
        return Run(), {}

    def close_sweep(self, run: Run, parent: JobRecord) -> None:
        """Do nothing."""

    def start(self, job: JobRecord) -> Run:
        """Return an untracked run."""
        return Run()

    def finish(self, run: Run, job: JobRecord) -> None:
        """Do nothing."""

    def follow_up(self, directory: Path, jobs: Sequence[Path]) -> None:
        """Do nothing."""

    def page(self, run: Run, sweep: str | None = None) -> str | None:
        """Return no address."""
        return None

    def ui_command(self) -> str | None:
        """Return nothing to look at."""
        return None
