"""How a command ends: what its sweep said, which Hydra drops, an interruption, and a reader that has gone."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

INTERRUPTED = 130


@dataclass
class ExitStatus:
    """A part of the call's context."""

    failed_jobs: int = 0
    """How many jobs of the sweep failed or were left out."""

    @property
    def code(self) -> int:
        """The exit code of the process: 1 where a job of its sweep failed."""
        return 1 if self.failed_jobs else 0


def drop_output() -> None:
    """Let nothing more be printed: the reader (`| head`) has gone, and Python must not complain at its own exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
