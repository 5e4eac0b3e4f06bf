"""One process at a time where MLflow looks first and writes then: it makes a database, and a run is created."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

from alpacabench.core.context import current
from alpacabench.tracking.uri import sqlite_path

LOCK_SECONDS = 300.0
"""Another process may have to make or migrate the database meanwhile."""


@contextmanager
def one_at_a_time(uri: str) -> Iterator[None]:
    """Keep other processes out of this block: those that use the same SQLite database, or start from this directory.

    The lock is SQLite's own, on a file beside the database or, for a server, in outputs/: it works wherever a database
    would, and ends with its process.
    """
    path, held = sqlite_path(uri), None
    try:
        held = _hold(path or current().directory / "outputs" / "mlflow")
    except (OSError, sqlite3.Error):
        # A server can be used without the lock: all that is at stake there is a run that is logged twice.
        if path:
            raise
    with closing(held) if held else nullcontext():
        yield


def _hold(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = sqlite3.connect(f"{path}.lock", timeout=LOCK_SECONDS, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error:
        lock.close()
        raise
    return lock
