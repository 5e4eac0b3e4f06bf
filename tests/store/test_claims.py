"""Claims on what is in flight: whose they are when processes sleep, die, or sit in containers with one name."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from alpacabench.store import heartbeat, owner
from alpacabench.store.ask_once import Reply, ask_once, may_ask
from alpacabench.store.heartbeat import BEAT_SECONDS, STALE_SECONDS, Heartbeat
from alpacabench.store.owner import new_owner, surely_dead
from alpacabench.store.store import Store
from tests.helpers.command import ROOT


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.db"


def sleep(store: Store) -> None:
    """Let a store's heart stand still, as a stopped process's does."""
    store.heart._stop.set()
    assert store.heart._thread
    store.heart._thread.join()


def watch(store: Store, monkeypatch: pytest.MonkeyPatch, seconds: float, beside: Store | None = None) -> None:
    """Let a store watch the others for so long; another one may beat meanwhile."""
    clock = time.monotonic()
    for step in range(int(seconds / BEAT_SECONDS) + 1):
        monkeypatch.setattr(heartbeat.time, "monotonic", lambda at=clock + step * BEAT_SECONDS: at)
        if beside:
            beside.heart.renew()
        with store.engine.begin() as connection:
            store.heart.bury(connection)
    monkeypatch.undo()


def elsewhere(store: Store, host: str = "elsewhere") -> None:
    """Let a store be one of another host, whose processes cannot be seen."""
    monkey = f"{host}/boot.1:1:1:{os.urandom(4).hex()}"
    store.heart.owner = monkey
    store.heart.start()
    with store.engine.begin() as connection:
        connection.exec_driver_sql(f"update owners set owner = '{monkey}' where owner = '{store.heart.owner}'")
    store.heart.owner = monkey


def test_a_claim_is_taken_over_where_its_owners_beat_was_seen_to_stand_still(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(url) as sleeper, Store(url) as taker:
        elsewhere(sleeper)
        term = sleeper.term
        assert sleeper.claim("verdict", ["a", "b"]) == {"a", "b"}
        sleep(sleeper)
        assert taker.claim("verdict", ["a"]) == set()
        watch(taker, monkeypatch, STALE_SECONDS - 2 * BEAT_SECONDS)
        assert taker.claim("verdict", ["a"]) == set(), "not for long enough"
        watch(taker, monkeypatch, 2 * STALE_SECONDS)
        assert taker.claim("verdict", ["a", "b"]) == {"a", "b"}
        assert sleeper.valid(term), "it believes so as long as its last beat was shortly ago"
        sleeper.heart._renewed -= 40.0
        assert not sleeper.valid(term), "and looks after a sleep"
        assert sleeper.claim("verdict", ["a", "c"]) == {"c"}


def test_a_beating_owner_keeps_its_claims_whatever_its_clock_says(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(url) as owner_, Store(url) as taker:
        elsewhere(owner_)
        monkeypatch.setattr(time, "time", lambda: 12.0)
        owner_.claim("verdict", ["a"])
        watch(taker, monkeypatch, 3 * STALE_SECONDS, beside=owner_)
        assert taker.claim("verdict", ["a"]) == set()


def test_what_passed_while_the_taker_itself_was_stopped_does_not_count(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(url) as owner_, Store(url) as taker:
        elsewhere(owner_)
        owner_.claim("verdict", ["a"])
        taker.claim("verdict", ["b"])
        sleep(owner_)
        taker.heart._looked -= 3600.0
        assert taker.claim("verdict", ["a"]) == set(), "both may have slept: the machine did"


def test_the_first_answer_that_is_stored_is_everybodys(url: str) -> None:
    with Store(url) as first, Store(url) as second:

        def overtaken(questions: list[str]) -> Iterator[Reply]:
            for key in questions:
                first.commit("verdict", [Reply(key, {"preference": 1.0})])
                yield Reply(key, {"preference": 2.0}) if key != "c" else Reply(key, failure="late")

        answers = ask_once(second, "verdict", {key: key for key in "abc"}, overtaken)
        assert answers.payloads == {key: {"preference": 1.0} for key in "abc"} == second.get("verdict", "abc")
        assert not answers.failures and not answers.asked


def test_a_sleeper_asks_nothing_that_others_took_over(url: str) -> None:
    with Store(url) as store, Store(url) as other:
        sent: list[str] = []

        def asks(questions: list[str]) -> Iterator[Reply]:
            for key in questions:
                if not may_ask.get()():
                    return
                sent.append(key)
                yield Reply(key, {"preference": 1.0})
                if len(sent) == 2:  # it sleeps, is counted as dead, and the rest is answered elsewhere
                    with store.engine.begin() as connection:
                        connection.exec_driver_sql("delete from claims")
                        connection.exec_driver_sql("delete from owners")
                    other.commit("verdict", [Reply(k, {"preference": 2.0}) for k in "bcd"])
                    store.heart._renewed -= 40.0

        answers = ask_once(store, "verdict", {key: key for key in "abcd"}, asks)
    assert sent == ["a", "b"]
    assert {key: p["preference"] for key, p in answers.payloads.items()} == {"a": 1.0, "b": 2.0, "c": 2.0, "d": 2.0}


def test_an_owner_is_known_by_boot_and_namespace_and_not_by_its_hosts_name(monkeypatch: pytest.MonkeyPatch) -> None:
    other = subprocess.run(
        [sys.executable, "-c", "from alpacabench.store.owner import new_owner; print(new_owner())"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    assert surely_dead(other)
    assert not surely_dead(new_owner())
    place, rest = other.split(":", 1)
    assert not surely_dead(f"{place}0:{rest}"), "another container of this host: its numbers mean nothing here"
    assert not surely_dead("host:12:34") and not surely_dead(f"{os.uname().nodename}:999999:1:old"), "of older versions"
    monkeypatch.setattr(owner.os, "kill", lambda *_: (_ for _ in ()).throw(PermissionError()))
    monkeypatch.setattr(owner, "_started", lambda pid: None)
    assert not surely_dead(other), "another user's process whose facts are hidden"


def test_the_claims_of_an_older_version_go_on_and_are_taken_over(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = sqlite3.connect(url.removeprefix("sqlite:///"))
    database.executescript(
        "create table claims (kind varchar(16), key varchar(64), owner varchar(255) not null, "
        "heartbeat float not null, primary key (kind, key));"
        "insert into claims values ('verdict', 'a', 'host:1:2:old', 1000.0);"
        "create table budget_holds (id integer primary key, scope varchar(128) not null, owner varchar(255) not null, "
        "usd float not null, created float not null);"
        "create table batches (token varchar(64) primary key, server varchar(255) not null, id varchar(255), "
        "keys json not null, created float not null);"
    )
    with Store(url) as taker:
        for beat in range(2):
            watch(taker, monkeypatch, STALE_SECONDS - 2 * BEAT_SECONDS)
            database.execute("update claims set heartbeat = heartbeat + 5")
            database.commit()
            assert taker.claim("verdict", ["a"]) == set(), f"it beats ({beat})"
        watch(taker, monkeypatch, 2 * STALE_SECONDS)
        assert taker.claim("verdict", ["a"]) == {"a"}
    columns = {row[1] for row in database.execute("pragma table_info(budget_holds)")}
    assert {"bound", "lost"} <= columns
    assert database.execute("pragma user_version").fetchone() == (2,)


def test_a_heart_that_was_counted_as_dead_begins_a_new_term_under_a_new_name(url: str) -> None:
    with Store(url) as store:
        heart = Heartbeat(store.engine)
        heart.start()
        name, term = heart.owner, heart.term
        with store.engine.begin() as connection:
            connection.exec_driver_sql("delete from owners")
        heart.renew()
        assert (heart.owner != name, heart.term) == (True, term + 1)
        heart.stop()
        with store.engine.connect() as connection:
            assert connection.exec_driver_sql("select count(*) from owners").scalar_one() == 0
