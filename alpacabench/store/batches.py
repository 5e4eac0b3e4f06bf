"""Batches that were submitted to a server and whose answers may be outstanding."""

from __future__ import annotations

import time
from typing import NamedTuple

from sqlalchemy import Engine, delete, insert, select, update

from alpacabench.store.tables import batches


class OpenBatch(NamedTuple):
    """One batch."""

    token: str
    """Ours, carried by the batch as metadata."""
    id: str | None
    """The server's; None where the process ended before it was known."""
    keys: frozenset[str]
    """The questions in it."""
    hold: int = 0
    """The reservation that it is paid from, whoever made it; 0 where there is none."""


class Batches:
    """The batches of one server."""

    def __init__(self, engine: Engine, server: str) -> None:
        self.engine, self.server = engine, server

    def open(self, keys: set[str]) -> list[OpenBatch]:
        """Return the batches that hold one of these questions, the newest first."""
        query = select(batches).where(batches.c.server == self.server).order_by(batches.c.created.desc())
        with self.engine.connect() as connection:
            found = connection.execute(query).all()
        rows = [OpenBatch(row.token, row.id, frozenset(row.keys), row.hold or 0) for row in found]
        return [row for row in rows if row.keys & keys]

    def add(self, batch: OpenBatch) -> None:
        """Remember a batch that is about to be submitted."""
        row = {"token": batch.token, "server": self.server, "keys": sorted(batch.keys), "created": time.time()}
        with self.engine.begin() as connection:
            connection.execute(insert(batches).values(row | {"hold": batch.hold or None}))

    def submitted(self, batch: OpenBatch, number: str) -> OpenBatch:
        """Remember the server's id of a batch; returns the batch with it."""
        with self.engine.begin() as connection:
            connection.execute(update(batches).where(batches.c.token == batch.token).values(id=number))
        return batch._replace(id=number)

    def forget(self, batch: OpenBatch) -> None:
        """Forget a batch that the server never got, or has no longer."""
        with self.engine.begin() as connection:
            connection.execute(delete(batches).where(batches.c.token == batch.token))
