"""The ledger of `budget.usd`: what a sweep's jobs and processes have spent, and what their requests in flight may cost.

A request is reserved at the most it can cost before it is sent, and settled at what it did cost. The sum of both never
passes the cap, over all processes that share the store.
"""

from __future__ import annotations

import time

from sqlalchemy import Column, Connection, Engine, Float, Integer, String, Table, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from alpacabench.store.owner import of_this_host, surely_dead
from alpacabench.store.tables import create_tables, metadata

budgets = Table(
    "budgets",
    metadata,
    Column("scope", String(128), primary_key=True),
    Column("spent", Float, nullable=False),
)
holds = Table(
    "budget_holds",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("scope", String(128), nullable=False, index=True),
    Column("owner", String(255), nullable=False),
    Column("usd", Float, nullable=False),
    Column("created", Float, nullable=False),
)

REQUEST_SECONDS = 3600.0
"""Longer than any request takes: an older reservation of another host, whose processes cannot be seen, is lost."""


class Ledger:
    """The account of one scope (a sweep, or a single run) under one cap."""

    def __init__(self, engine: Engine, owner: str, scope: str, cap: float) -> None:
        """Open the account; `owner` is the store's name for this process."""
        self.engine, self.owner, self.scope, self.cap = engine, owner, scope, cap
        create_tables(engine, [budgets, holds])
        dialect = postgresql if engine.dialect.name == "postgresql" else sqlite
        with engine.begin() as connection:
            connection.execute(dialect.insert(budgets).values(scope=scope, spent=0.0).on_conflict_do_nothing())

    def reserve(self, usd: float, seconds: float = 0.0) -> int | None:
        """Reserve dollars; returns the reservation, or None where the cap could be passed.

        Args:
            usd: the most that the request can cost.
            seconds: how much longer than one request it may take: a batch takes a day.

        """
        with self.engine.begin() as connection:
            spent = self._lock(connection)
            if spent + self._held(connection) + usd > self.cap:
                return None
            row = {"scope": self.scope, "owner": self.owner, "usd": usd, "created": time.time() + seconds}
            key = connection.execute(insert(holds).values(row)).inserted_primary_key
            return int(key[0]) if key else None

    def settle(self, hold: int, usd: float | None) -> None:
        """Replace a reservation by what was spent; None is unknown: the whole reservation counts as spent."""
        with self.engine.begin() as connection:
            self._lock(connection)
            reserved = connection.execute(select(holds.c.usd).where(holds.c.id == hold)).scalar_one_or_none()
            if reserved is not None:
                self._spend(connection, [hold], reserved if usd is None else usd)

    def in_flight(self) -> bool:
        """Return whether a reservation is open that may still be settled for less; a lost one counts as spent.

        Lost is what a dead process of this host reserved, and what another host's did too long ago.
        """
        with self.engine.begin() as connection:
            self._lock(connection)
            rows = connection.execute(select(holds).where(holds.c.scope == self.scope)).all()
            stale = time.time() - REQUEST_SECONDS
            near = {owner for owner in {row.owner for row in rows} if of_this_host(owner)}
            dead = {owner for owner in near if owner != self.owner and surely_dead(owner)}
            lost = [row for row in rows if row.owner in dead or (row.owner not in near and row.created < stale)]
            self._spend(connection, [row.id for row in lost], sum(row.usd for row in lost))
            return len(lost) < len(rows)

    def spent(self) -> float:
        """Return the dollars spent so far, without what is in flight."""
        with self.engine.connect() as connection:
            return float(connection.execute(select(budgets.c.spent).where(budgets.c.scope == self.scope)).scalar_one())

    def _lock(self, connection: Connection) -> float:
        # The update takes the write lock (the row's lock on PostgreSQL) before anything is read.
        account = budgets.c.scope == self.scope
        connection.execute(update(budgets).where(account).values(spent=budgets.c.spent))
        return float(connection.execute(select(budgets.c.spent).where(account)).scalar_one())

    def _held(self, connection: Connection) -> float:
        total = select(func.coalesce(func.sum(holds.c.usd), 0.0)).where(holds.c.scope == self.scope)
        return float(connection.execute(total).scalar_one())

    def _spend(self, connection: Connection, settled: list[int], usd: float) -> None:
        if settled:
            connection.execute(delete(holds).where(holds.c.id.in_(settled)))
            account = budgets.c.scope == self.scope
            connection.execute(update(budgets).where(account).values(spent=budgets.c.spent + usd))
