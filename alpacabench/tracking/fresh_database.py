"""A SQLite database for MLflow is there whole or not at all: a kill while it is made would leave half a schema."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path

log = logging.getLogger(__name__)


def make_whole(path: Path) -> None:
    """Make the database where there is none, or half a one; called by one process at a time.

    MLflow makes it under another name, and it gets its own once it is whole. Half a one, which holds no experiment yet,
    is kept beside it as `NAME.half-made`.
    """
    if path.exists() and not half_made(path):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name}.*.new*"):
        left.unlink(missing_ok=True)
    if path.exists():
        aside = path.with_name(f"{path.name}.half-made")
        log.warning("%s was left half made by a process that died: it is made anew, and kept as %s", path, aside.name)
        path.replace(aside)
        for rest in ("-journal", "-wal", "-shm"):
            path.with_name(path.name + rest).unlink(missing_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    _make(fresh)
    fresh.replace(path)


def half_made(path: Path) -> bool:
    """Return whether a file is a database that MLflow began to make: its own tables, and no experiment yet."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", 60.0, uri=True)) as database:
            tables = {name for (name,) in database.execute("select name from sqlite_master where type = 'table'")}
            ours = not tables or tables & {"experiments", "runs", "metrics", "alembic_version"}
            held = [
                t for t in ("experiments", "runs") if t in tables and database.execute(f"select 1 from {t}").fetchone()
            ]
    except sqlite3.Error:
        return False  # Whatever it is, MLflow says so.
    return bool(ours) and not held


def _make(path: Path) -> None:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{path}")
    client.search_experiments(max_results=1)
    client._tracking_client.store.engine.dispose()
