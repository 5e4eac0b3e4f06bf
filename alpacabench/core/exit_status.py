"""How the sweep of this process ended; Hydra itself drops what a callback returns or raises."""

from __future__ import annotations

_failed_jobs = 0


def record(failed_jobs: int) -> None:
    """Note how many jobs of the sweep failed or were left out."""
    global _failed_jobs
    _failed_jobs = failed_jobs


def exit_code() -> int:
    """Return the exit code of the process: 1 where a job of its sweep failed."""
    return 1 if _failed_jobs else 0
