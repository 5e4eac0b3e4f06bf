"""The queue: one worker for each job, nothing lost with a worker, and one end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from alpacabench.service import queue as module
from alpacabench.service.queue import Queue
from alpacabench.store.database import open_engine
from alpacabench.store.heartbeat import Heartbeat
from alpacabench.store.tables import service_jobs


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path}/store.db" if request.param == "sqlite" else request.getfixturevalue("postgres")
    made = open_engine(url)
    yield made
    made.dispose()


@pytest.fixture
def heart(engine: Engine) -> Iterator[Heartbeat]:
    beating = Heartbeat(engine)
    beating.start()
    yield beating
    beating.stop()


def test_jobs_are_claimed_in_their_order_and_once(engine: Engine, heart: Heartbeat) -> None:
    queue, other = Queue(engine), Heartbeat(engine)
    other.start()
    ids = [queue.add("ann", [f"seed={n}"], multirun=n == 1) for n in range(3)]
    claimed = [queue.claim(h) for h in (heart, other, heart, other)]
    other.stop()
    assert [job and job.id for job in claimed] == [*ids, None]
    assert claimed[1] and claimed[1].multirun and claimed[1].overrides == ["seed=1"]


def test_what_a_dead_worker_left_is_queued_again_and_ends_once(engine: Engine, heart: Heartbeat) -> None:
    queue = Queue(engine)
    kept, dropped = queue.add("ann", [], False), queue.add("ann", [], False)
    dead = "gone"
    with engine.begin() as connection:
        connection.execute(update(service_jobs).values(status="running", owner=dead, attempts=1))
    queue.cancel(str(dropped), "ann")
    job = queue.claim(heart)
    assert job and job.id == kept and queue.claim(heart) is None
    queue.end(job.id, dead, "finished", 0, None, {"win_rate": 1.0})
    assert queue.find(job.id, "ann").status == "running", "it is no longer the dead one's"
    queue.end(job.id, heart.owner, "finished", 0, None, {"win_rate": 2.0})
    queue.end(job.id, heart.owner, "failed", 1, "no", {})
    found = queue.find(job.id, "ann")
    assert (found.status, found.metrics, found.attempts) == ("finished", {"win_rate": 2.0}, 2)
    assert queue.find(str(dropped), "ann").status == "cancelled"
    assert queue.find(job.id, "bob") is None and queue.all("bob", 10) == []


def test_what_kills_its_worker_again_and_again_fails(
    engine: Engine, heart: Heartbeat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ATTEMPTS", 3)
    queue = Queue(engine)
    id_ = str(queue.add("ann", [], False))
    for _ in range(3):
        assert queue.claim(heart)
        queue.give_back(id_, heart.owner)
    found = queue.find(id_, "ann")
    assert found and found.status == "failed" and "killed 3 times" in str(found.error)


def test_a_client_can_have_so_many_waiting(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_QUEUED", 2)
    queue = Queue(engine)
    assert [bool(queue.add("ann", [], False)) for _ in range(3)] == [True, True, False]
    assert queue.add("bob", [], False)
    queue.cancel(queue.all("ann", 1)[0].id, "ann")
    assert queue.add("ann", [], False)
