"""The content-addressed store: answers by key, failures that are never a hit, claims on what is in flight.

The first answer that is stored is everybody's. A dead owner's claims are taken over: at once where the owner was a
process of this host that is gone, and otherwise where its beat was seen not to change for a minute.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Table, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from alpacabench.core.errors import StoreError
from alpacabench.store.ask_once import Reply
from alpacabench.store.database import open_engine
from alpacabench.store.heartbeat import Heartbeat
from alpacabench.store.payload import Kind, Payload, payload_problem, read, written
from alpacabench.store.tables import answers, claims, failures

log = logging.getLogger(__name__)

CHUNK = 500
"""Keys per statement: SQLite allows a limited number of parameters."""


class Store:
    """One open store. Use it as a context manager: leaving it releases this process's claims.

    Each method raises StoreError where the database cannot be used: one message that names it and what to do.

    Raises:
        StoreError: the database cannot be opened.

    """

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        self.heart = Heartbeat(self.engine)
        self._insert = postgresql.insert if self.engine.dialect.name == "postgresql" else sqlite.insert

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def owner(self) -> str:
        """The name of this process in the store."""
        return self.heart.owner

    def close(self) -> None:
        """Release this process's claims and close the database."""
        self.heart.stop()
        self.engine.dispose()

    def get(self, kind: Kind, keys: Iterable[str]) -> dict[str, Payload]:
        """Return the stored payloads of those keys that have one; a row that is no answer counts as missing."""
        with self.engine.connect() as connection:
            found = self._stored(connection, kind, list(keys))
        damaged = [key for key, payload in found.items() if payload is None]
        if damaged:
            self._forget(kind, damaged)
        return {key: payload for key, payload in found.items() if payload is not None}

    @property
    def term(self) -> int:
        """A fencing token: what is claimed from now on is this process's as long as `valid` says so."""
        self.heart.start()
        return self.heart.term

    def valid(self, term: int) -> bool:
        """Return whether what was claimed in a term is still claimed, also after this process has slept."""
        return self.heart.valid(term)

    def claim(self, kind: Kind, keys: Iterable[str]) -> set[str]:
        """Claim keys that nobody else has in flight; return those that are now ours."""
        keys = sorted(keys)  # In one order everywhere: PostgreSQL would see a deadlock between two that claim the same.
        if not keys:
            return set()
        self.heart.start()
        ours: set[str] = set()
        with self.engine.begin() as connection:
            self.heart.bury(connection)
            for chunk in _chunks(keys):
                rows = [{"kind": kind, "key": key, "owner": self.owner, "heartbeat": 0.0} for key in chunk]
                connection.execute(self._insert(claims).on_conflict_do_nothing(), rows)
                held = connection.execute(
                    select(claims.c.key).where(
                        claims.c.kind == kind, claims.c.owner == self.owner, claims.c.key.in_(chunk)
                    )
                )
                ours |= set(held.scalars())
        return ours

    def commit(self, kind: Kind, replies: Iterable[Reply]) -> dict[str, Payload]:
        """Write payloads and failures durably and release their claims.

        Returns:
            The payloads of other processes for those of the keys that they had stored before: they stay.

        Raises:
            StoreError: a payload is no answer of its kind; nothing is written.

        """
        replies = sorted(replies, key=lambda reply: reply.key)
        if not replies:
            return {}
        now = time.time()
        good = [
            {"kind": kind, "key": r.key, "payload": _written(kind, r.payload), "created": now}
            for r in replies
            if r.payload is not None
        ]
        bad = {
            r.key: {"kind": kind, "key": r.key, "cause": r.failure or "", "detail": r.detail, "created": now}
            for r in replies
            if r.payload is None
        }
        with self._durable() as connection:
            late = {str(row["key"]) for row in good} - self._add(connection, good)
            stored = self._stored(connection, kind, [*late, *bad])
            earlier = {key: payload for key, payload in stored.items() if payload is not None}
            if failed := [row for key, row in bad.items() if key not in earlier]:
                self._replace(connection, failures, failed)
            for chunk in _chunks([str(row["key"]) for row in good]):
                connection.execute(delete(failures).where(failures.c.kind == kind, failures.c.key.in_(chunk)))
            self._release(connection, kind, [r.key for r in replies])
        return earlier

    def release(self, kind: Kind, keys: Iterable[str]) -> None:
        """Release our claims on keys that were not answered."""
        keys = list(keys)
        if keys:
            with self.engine.begin() as connection:
                self._release(connection, kind, keys)

    @contextmanager
    def _durable(self) -> Iterator[Connection]:
        """Yield a transaction that a power cut cannot undo: what was paid for costs more than a wait for the disk."""
        with self.engine.connect() as connection:
            file = connection.connection.driver_connection if self.engine.dialect.name == "sqlite" else None
            if file:
                file.execute("PRAGMA synchronous=FULL")
            try:
                with connection.begin():
                    yield connection
            finally:
                if file:
                    file.execute("PRAGMA synchronous=NORMAL")

    def _add(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> set[str]:
        """Add answers; return the keys of those that had none."""
        if not rows:
            return set()
        added = self._insert(answers).on_conflict_do_nothing().returning(answers.c.key)
        return set(connection.execute(added, rows).scalars())

    def _stored(self, connection: Connection, kind: Kind, keys: Sequence[str]) -> dict[str, Payload | None]:
        """Return what is stored; None for a row that is no answer of its kind."""
        found: dict[str, Payload | None] = {}
        for chunk in _chunks(keys):
            rows = connection.execute(
                select(answers.c.key, answers.c.payload).where(answers.c.kind == kind, answers.c.key.in_(chunk))
            )
            found |= {key: read(kind, stored) for key, stored in rows}
        return found

    def _forget(self, kind: Kind, keys: Sequence[str]) -> None:
        """Remove damaged answers, so that their questions are asked again."""
        names = ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")
        log.warning("The store's %ss %s are damaged and are asked again", kind, names)
        with self.engine.begin() as connection:
            for chunk in _chunks(keys):
                again = self._stored(connection, kind, chunk)
                damaged = [key for key, payload in again.items() if payload is None]
                connection.execute(delete(answers).where(answers.c.kind == kind, answers.c.key.in_(damaged)))

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


def _written(kind: Kind, payload: Payload) -> Payload:
    """Return the payload as it is stored; what is no answer never is."""
    if problem := payload_problem(kind, payload):
        raise StoreError(f"not stored: no usable {kind}: {problem}")
    return written(payload)


def _chunks(keys: Iterable[str]) -> Iterator[list[str]]:
    keys = list(keys)
    for start in range(0, len(keys), CHUNK):
        yield keys[start : start + CHUNK]
