"""The queue of the service: jobs that survive the death of whoever serves or runs them, and end once.

A job belongs to the worker that claimed it for as long as that worker lives (`store/heartbeat.py`). What a dead worker
left is queued again: the store has what was answered, so that nothing is paid twice.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Engine, Row, func, insert, select, update

from alpacabench.store.budget import spent
from alpacabench.store.heartbeat import Heartbeat
from alpacabench.store.tables import owners
from alpacabench.store.tables import service_jobs as jobs

Status = Literal["queued", "running", "finished", "failed", "cancelled"]
ENDED: tuple[Status, ...] = ("finished", "failed", "cancelled")
ATTEMPTS = 20
"""So often is a job begun whose process or worker was killed."""
MOST_QUEUED = 1000
"""Jobs that one client may have waiting."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job of the queue."""

    id: str
    client: str
    """Name of the token."""
    overrides: Sequence[str]
    multirun: bool
    status: Status
    created: float
    """Seconds since the epoch, like the following."""
    started: float | None
    ended: float | None
    attempts: int
    cancel: bool
    """Whether its client wants it to end."""
    exit_code: int | None
    error: str | None
    """What the command said, where it failed."""
    metrics: Mapping[str, float]
    process: str | None
    """Who runs it, as `store/owner.py` names processes."""


class Queue:
    """The jobs of one store."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def add(self, client: str, overrides: Sequence[str], multirun: bool) -> str | None:
        """Queue a job; returns its id, or None where the client has too many waiting."""
        row = {"id": secrets.token_hex(8), "client": client, "overrides": list(overrides), "multirun": int(multirun)}
        row |= {"status": "queued", "created": time.time(), "attempts": 0, "cancel": 0}
        waiting = select(func.count()).where(jobs.c.client == client, jobs.c.status == "queued")
        with self.engine.begin() as connection:
            if connection.execute(waiting).scalar_one() >= MOST_QUEUED:
                return None
            connection.execute(insert(jobs).values(row))
        return str(row["id"])

    def find(self, id_: str, client: str) -> Job | None:
        """Return a client's job; None where it has none of that id."""
        with self.engine.connect() as connection:
            row = connection.execute(select(jobs).where(jobs.c.id == id_, jobs.c.client == client)).one_or_none()
        return _job(row) if row else None

    def all(self, client: str, limit: int) -> list[Job]:
        """Return a client's jobs, the newest first."""
        mine = select(jobs).where(jobs.c.client == client).order_by(jobs.c.created.desc()).limit(limit)
        with self.engine.connect() as connection:
            return [_job(row) for row in connection.execute(mine)]

    def cancel(self, id_: str, client: str) -> None:
        """End a job: at once where it waits, else as soon as its worker sees it; one that has ended stays as it is."""
        mine = (jobs.c.id == id_, jobs.c.client == client)
        with self.engine.begin() as connection:
            done = {"status": "cancelled", "ended": time.time()}
            connection.execute(update(jobs).where(*mine, jobs.c.status == "queued").values(done))
            connection.execute(update(jobs).where(*mine, jobs.c.status == "running").values(cancel=1))

    def claim(self, heart: Heartbeat) -> Job | None:
        """Give the oldest waiting job to the worker whose heart it is; None where none waits."""
        with self.engine.begin() as connection:
            self._requeue(connection, heart)
            oldest = select(jobs).where(jobs.c.status == "queued").order_by(jobs.c.created).limit(1)
            if not (row := connection.execute(oldest.with_for_update(skip_locked=True)).one_or_none()):
                return None
            mine = {"status": "running", "owner": heart.owner, "attempts": row.attempts + 1, "started": time.time()}
            this = update(jobs).where(jobs.c.id == row.id, jobs.c.status == "queued")
            if not connection.execute(this.values(mine)).rowcount:
                return None
        return _job(row)

    def _requeue(self, connection: Connection, heart: Heartbeat) -> None:
        """Queue what dead workers left; a job that was to be cancelled, or has killed too many, ends."""
        heart.bury(connection)
        left = update(jobs).where(jobs.c.status == "running", jobs.c.owner.not_in(select(owners.c.owner)))
        now = time.time()
        connection.execute(left.where(jobs.c.cancel == 1).values(status="cancelled", ended=now))
        tired = f"its process or worker was killed {ATTEMPTS} times"
        connection.execute(left.where(jobs.c.attempts >= ATTEMPTS).values(status="failed", ended=now, error=tired))
        connection.execute(left.values(status="queued", owner=None))

    def note_process(self, id_: str, process: str) -> None:
        """Note which process runs a job, so that whoever runs it again can end that first."""
        with self.engine.begin() as connection:
            connection.execute(update(jobs).where(jobs.c.id == id_).values(process=process))

    def spent(self, account: str) -> float:
        """Return the dollars that an account has spent."""
        return spent(self.engine, account)

    def wanted(self, id_: str, owner: str) -> bool:
        """Return whether a running job is still this worker's, and its client wants it."""
        with self.engine.connect() as connection:
            row = connection.execute(select(jobs.c.owner, jobs.c.cancel).where(jobs.c.id == id_)).one()
        return bool(row.owner == owner and not row.cancel)

    def give_back(self, id_: str, owner: str) -> None:
        """Queue a running job of this worker again."""
        this = update(jobs).where(jobs.c.id == id_, jobs.c.status == "running", jobs.c.owner == owner)
        with self.engine.begin() as connection:
            connection.execute(this.where(jobs.c.attempts < ATTEMPTS).values(status="queued", owner=None))
            error = f"its process was killed {ATTEMPTS} times"
            connection.execute(this.values(status="failed", ended=time.time(), error=error))

    def end(self, id_: str, owner: str, status: Status, exit_code: int, error: str | None, metrics: object) -> None:
        """End a running job of this worker; of one that is another's by now nothing is changed."""
        done = {"status": status, "ended": time.time(), "exit_code": exit_code, "error": error, "metrics": metrics}
        this = update(jobs).where(jobs.c.id == id_, jobs.c.status == "running", jobs.c.owner == owner)
        with self.engine.begin() as connection:
            connection.execute(this.values(done))


def _job(row: Row[Any]) -> Job:
    known = {name: getattr(row, name) for name in Job.__dataclass_fields__}
    flags = {"multirun": bool(row.multirun), "cancel": bool(row.cancel), "metrics": row.metrics or {}}
    return Job(**(known | flags))
