"""A SQLite database of MLflow is there whole or not at all."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from alpacabench.tracking import fresh_database
from alpacabench.tracking.client import connect
from alpacabench.tracking.fresh_database import half_made, make_whole


def database(path: Path, script: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.executescript(script)
    connection.close()


@pytest.mark.parametrize(
    "script",
    [
        "",
        "create table experiments (experiment_id integer); create table runs (run_uuid text)",
        "create table experiments (experiment_id integer); create table alembic_version (version_num text); "
        "insert into alembic_version values ('451aebb31d03')",
    ],
    ids=["no table", "some tables", "half migrated"],
)
def test_half_a_database_is_made_anew_and_kept_aside(tmp_path: Path, script: str) -> None:
    path = tmp_path / "mlflow.db"
    path.touch()
    database(path, script)
    (tmp_path / ".mlflow.db.1.new").touch()
    assert half_made(path)
    client = connect(f"sqlite:///{path}")
    run = client.create_run("0")
    assert client.get_run(run.info.run_id).info.run_id == run.info.run_id
    assert not half_made(path) and (tmp_path / "mlflow.db.half-made").exists()
    assert not list(tmp_path.glob(".mlflow.db.*"))


def test_a_database_that_holds_something_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh_database, "_make", lambda path: pytest.fail("made"))
    for name, script in {
        "runs.db": "create table experiments (i integer); insert into experiments values (1)",
        "another.db": "create table customers (i integer)",
    }.items():
        database(tmp_path / name, script)
        before = (tmp_path / name).read_bytes()
        make_whole(tmp_path / name)
        assert (tmp_path / name).read_bytes() == before
    (tmp_path / "text.db").write_text("this is no database " * 100)
    make_whole(tmp_path / "text.db")
