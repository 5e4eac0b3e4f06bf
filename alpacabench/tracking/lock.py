"""One process at a time where MLflow looks first and writes then: it makes a database, and it creates a run."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from alpacabench.tracking.uri import sqlite_path

LOCK_SECONDS = 300.0
"""Another process may have to make or migrate the database meanwhile."""


@contextmanager
def one_at_a_time(uri: str) -> Iterator[None]:
    """Keep other processes out of this block on a SQLite database; a server has transactions of its own.

    The lock is SQLite's own, on a file beside the database: it works wherever the database does, and ends with its
    process.
    """
    path = sqlite_path(uri)
    if path is None:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(f"{path}.lock", timeout=LOCK_SECONDS, isolation_level=None)) as held:
        held.execute("BEGIN EXCLUSIVE")
        yield
