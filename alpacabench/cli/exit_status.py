"""How the sweep of this call ended; Hydra itself drops what a callback returns or raises."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class ExitStatus:
    """A part of the call's context."""

    failed_jobs: int = 0
    """How many jobs of the sweep failed or were left out."""

    @property
    def code(self) -> int:
        """The exit code of the process: 1 where a job of its sweep failed."""
        return 1 if self.failed_jobs else 0
