"""Every fault of the store is one message: which store, what to do; nothing is paid for that cannot be kept."""

from __future__ import annotations

import importlib.util
import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from alpacabench.core.errors import StoreError
from alpacabench.store import database
from alpacabench.store.ask_once import Reply, ask_once
from alpacabench.store.store import Store
from tests.helpers.mlflow_server import free_port


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def never(questions: list[Any]) -> Iterator[Reply]:
    raise AssertionError("asked, and paid for")
    yield


def script(path: Path, text: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(text)
    connection.close()


def a_text(path: Path) -> None:
    path.write_text("no database at all\n" * 100)


def torn(path: Path) -> None:
    with Store(f"sqlite:///{path}") as store:
        store.commit("verdict", [Reply(str(i), {"preference": 1.0, "text": "x" * 500}) for i in range(200)])
    script(path, "pragma wal_checkpoint(truncate)")
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a directory in its place": (lambda path: path.mkdir(), "it cannot be opened or made"),
    "a text file": (a_text, "is no SQLite database"),
    "torn pages": (torn, "the file is damaged"),
    "another schema": (
        lambda path: script(path, "create table answers (kind varchar(16), key varchar(64), payload json)"),
        "'answers' has no column 'created'",
    ),
    "a later version": (lambda path: script(path, "pragma user_version = 99"), "a later version of alpacabench"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_store_that_cannot_be_used_is_named_before_anything_is_asked(path: Path, name: str) -> None:
    break_it, what = FAULTS[name]
    break_it(path)
    with pytest.raises(StoreError, match=what) as error, Store(f"sqlite:///{path}") as store:
        ask_once(store, "verdict", {"k": "k"}, never)
    assert str(path) in str(error.value) and "\n    " in str(error.value)


def test_a_full_disk_a_lock_and_a_read_only_file_are_told_before_anything_is_asked(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCKED_SECONDS", 0.2)
    with Store(f"sqlite:///{path}") as store:
        store.get("verdict", ["k"])
    with (
        pytest.raises(StoreError, match="it is read-only"),
        Store(f"sqlite:///file:{path}?mode=ro&uri=true") as store,
    ):
        ask_once(store, "verdict", {"k": "k"}, never)
    with Store(f"sqlite:///{path}") as store:
        lock = sqlite3.connect(path, isolation_level=None)
        lock.execute("begin immediate")
        with pytest.raises(StoreError, match="another process has kept it locked"):
            ask_once(store, "verdict", {"k": "k"}, never)
        lock.execute("rollback")
        lock.close()
        store.claim("verdict", ["k"])
        event.listen(store.engine, "checkout", lambda c, *_: c.execute("pragma max_page_count = 1"))
        keys = {str(i): i for i in range(5000)}
        with pytest.raises(StoreError, match="its disk is full"):
            ask_once(store, "verdict", keys, never)


def test_a_damaged_row_is_told_and_asked_again(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Store(f"sqlite:///{path}") as store:
        store.commit("verdict", [Reply(key, {"preference": 1.0}) for key in "abcde"])
        script(path, "update answers set payload = '{\"prefer' where key = 'a'")
        script(path, "update answers set payload = 'null' where key = 'b'")
        script(path, "update answers set payload = cast(x'ff22' as text) where key = 'c'")
        script(path, f"update answers set payload = '{'[' * 100_000}' where key = 'd'")
        asked: list[str] = []

        def again(questions: list[str]) -> Iterator[Reply]:
            asked.extend(questions)
            yield from (Reply(key, {"preference": 2.0}) for key in questions)

        answers = ask_once(store, "verdict", {key: key for key in "abcde"}, again)
    assert sorted(asked) == ["a", "b", "c", "d"]
    assert answers.payloads["a"] == {"preference": 2.0} and answers.payloads["e"] == {"preference": 1.0}
    assert "damaged" in caplog.text


def test_a_database_server_that_is_away_is_named(tmp_path: Path) -> None:
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("needs psycopg: pip install -e '.[postgres]'")
    url = f"postgresql+psycopg://me:hunter2secret@127.0.0.1:{free_port()}/bench"
    with pytest.raises(StoreError, match="refused") as error:
        Store(url)
    assert "hunter2secret" not in str(error.value)


def test_answers_survive_a_power_cut_and_are_their_owners_alone(path: Path) -> None:
    levels: list[int] = []
    with Store(f"sqlite:///{path}") as store:

        def note(connection: Any) -> None:
            levels.append(connection.connection.driver_connection.execute("pragma synchronous").fetchone()[0])

        event.listen(store.engine, "commit", note)
        store.commit("verdict", [Reply("k", {"preference": 1.0})])
        store.claim("verdict", ["l"])
        assert levels[0] == 2 and set(levels[1:]) == {1}, "FULL for answers, NORMAL for claims"
        files = [p for p in path.parent.iterdir() if p.name.startswith("store.db")]
        assert len(files) >= 2
        assert {stat.S_IMODE(p.stat().st_mode) for p in files} == {0o600}
