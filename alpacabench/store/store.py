"""The content-addressed store: answers by key, failures that are never a hit, claims on what is in flight.

A dead owner's claim is taken over: at once where the owner was a process of this host that is gone, and after
STALE_SECONDS without a heartbeat otherwise.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from alpacabench.store.ask_once import Kind, Payload, Reply
from alpacabench.store.owner import new_owner, surely_dead
from alpacabench.store.tables import answers, claims, failures, open_engine

CHUNK = 500
"""Keys per statement: SQLite allows a limited number of parameters."""

HEARTBEAT_SECONDS = 5.0
STALE_SECONDS = 60.0


class Store:
    """One open store. Use it as a context manager: leaving it releases this process's claims.

    Raises:
        StoreError: the database cannot be opened.

    """

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        self.owner = new_owner()
        self._insert = postgresql.insert if self.engine.dialect.name == "postgresql" else sqlite.insert
        self._stop = threading.Event()
        self._heart: threading.Thread | None = None

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Release this process's claims and close the database."""
        self._stop.set()
        if self._heart:
            self._heart.join()
            with self.engine.begin() as connection:
                connection.execute(delete(claims).where(claims.c.owner == self.owner))
        self.engine.dispose()

    def get(self, kind: Kind, keys: Iterable[str]) -> dict[str, Payload]:
        """Return the stored payloads of those keys that have one."""
        found: dict[str, Payload] = {}
        with self.engine.connect() as connection:
            for chunk in _chunks(keys):
                rows = connection.execute(
                    select(answers.c.key, answers.c.payload).where(answers.c.kind == kind, answers.c.key.in_(chunk))
                )
                found |= {key: payload for key, payload in rows}
        return found

    def claim(self, kind: Kind, keys: Iterable[str]) -> set[str]:
        """Claim keys that nobody else has in flight; return those that are now ours."""
        keys = list(keys)
        if not keys:
            return set()
        self._start_heart()
        ours: set[str] = set()
        with self.engine.begin() as connection:
            self._drop_dead(connection, kind)
            now = time.time()
            for chunk in _chunks(keys):
                rows = [{"kind": kind, "key": key, "owner": self.owner, "heartbeat": now} for key in chunk]
                connection.execute(self._insert(claims).on_conflict_do_nothing(), rows)
                held = connection.execute(
                    select(claims.c.key).where(
                        claims.c.kind == kind, claims.c.owner == self.owner, claims.c.key.in_(chunk)
                    )
                )
                ours |= set(held.scalars())
        return ours

    def commit(self, kind: Kind, replies: Iterable[Reply]) -> None:
        """Write payloads and failures durably and release their claims."""
        replies = list(replies)
        if not replies:
            return
        now = time.time()
        good = [
            {"kind": kind, "key": r.key, "payload": r.payload, "created": now} for r in replies if r.payload is not None
        ]
        bad = [
            {"kind": kind, "key": r.key, "cause": r.failure or "", "detail": r.detail, "created": now}
            for r in replies
            if r.payload is None
        ]
        with self.engine.begin() as connection:
            if good:
                connection.execute(self._insert(answers).on_conflict_do_nothing(), good)
            if bad:
                self._replace(connection, failures, bad)
            for chunk in _chunks([str(row["key"]) for row in good]):
                connection.execute(delete(failures).where(failures.c.kind == kind, failures.c.key.in_(chunk)))
            self._release(connection, kind, [r.key for r in replies])

    def release(self, kind: Kind, keys: Iterable[str]) -> None:
        """Release our claims on keys that were not answered."""
        keys = list(keys)
        if keys:
            with self.engine.begin() as connection:
                self._release(connection, kind, keys)

    def _release(self, connection: Connection, kind: Kind, keys: Sequence[str]) -> None:
        for chunk in _chunks(keys):
            connection.execute(
                delete(claims).where(claims.c.kind == kind, claims.c.owner == self.owner, claims.c.key.in_(chunk))
            )

    def _replace(self, connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
        insert = self._insert(table)
        changed = {c.name: insert.excluded[c.name] for c in table.columns if not c.primary_key}
        keys = [c.name for c in table.primary_key]
        connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=changed), rows)

    def _drop_dead(self, connection: Connection, kind: Kind) -> None:
        """Forget the claims of owners that are gone."""
        owners = connection.execute(select(claims.c.owner).where(claims.c.kind == kind).distinct()).scalars()
        dead = [owner for owner in map(str, owners) if owner != self.owner and surely_dead(owner)]
        stale = and_(claims.c.heartbeat < time.time() - STALE_SECONDS, claims.c.owner != self.owner)
        connection.execute(delete(claims).where(or_(claims.c.owner.in_(dead), stale)))

    def _start_heart(self) -> None:
        if self._heart is None:
            self._heart = threading.Thread(target=self._beat, name="store-heartbeat", daemon=True)
            self._heart.start()

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            # A busy database is no reason to end the run: the next beat is in time.
            with suppress(SQLAlchemyError), self.engine.begin() as connection:
                connection.execute(update(claims).where(claims.c.owner == self.owner).values(heartbeat=time.time()))


def _chunks(keys: Iterable[str]) -> Iterator[list[str]]:
    keys = list(keys)
    for start in range(0, len(keys), CHUNK):
        yield keys[start : start + CHUNK]
