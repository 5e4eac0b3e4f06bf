"""The ledger of `budget.usd`: what a sweep's jobs and processes have spent, and what their requests in flight may cost.

A request is reserved at the most it can cost before it is sent, and settled at what it did cost. The sum of both never
passes the cap, over all processes that share the store. Servers may bill more than a request's length explains (hidden
prompts, traces): the first bill of each model is awaited alone, the others are expected to be as dear as the dearest,
and only as many are in flight as the cap would bear if they were dearer still.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from alpacabench.store.bill import Bill, Bound
from alpacabench.store.heartbeat import Heartbeat
from alpacabench.store.tables import batches, budgets, holds, owners, rates

MARGIN = 1.1
"""Where a server bills more than a request's length explains, the next bill may be so much above the dearest."""
SURPRISE = 10.0
"""How many times dearer than foreseen a second request may be while the first is in flight; it fades with each bill."""

BATCH = " (batch)"
"""Bills of batches are kept apart from those of single requests, beside which they do not count as in flight."""


class Rate(NamedTuple):
    """What a model's server was seen to bill."""

    bills: int = 0
    prompt_share: float = 0.0
    """Of what a prompt can cost by its length: the highest so far."""
    share: float = 0.0
    """The same of whole requests."""
    dearest: float = 0.0

    def foreseen(self, bound: float) -> float:
        """Return the most that a request is expected to cost."""
        return bound if self.share <= 1.0 else max(bound, MARGIN * max(bound * self.share, self.dearest))

    def surprise(self) -> float:
        """Return how many times dearer than foreseen each of several in flight may turn out."""
        return 1.0 + (SURPRISE - 1.0) / max(self.bills, 1)

    def with_bill(self, bound: Bound, bill: Bill | None) -> Rate:
        """Return the rate after one more bill; None is one that nobody knows."""
        if bill is None:
            return self._replace(bills=self.bills + 1)
        prompt = bill.prompt / bound.prompt if bound.prompt > 0 else 0.0
        share = bill.total / bound.total if bound.total > 0 else 0.0
        return Rate(
            self.bills + 1, max(self.prompt_share, prompt), max(self.share, share), max(self.dearest, bill.total)
        )

    def lost(self, hold: Row[Any]) -> float:
        """Return what a dead process's request cost at most: its prompt like the dearest, its answer at full length."""
        if not 0.0 < self.share <= 1.0 or hold.bound is None:
            return float(hold.usd)
        return float(min(hold.usd, hold.prompt * self.prompt_share + hold.bound - hold.prompt))


class Ledger:
    """The account of one scope (a sweep, or a single run) under one cap."""

    def __init__(self, engine: Engine, heart: Heartbeat, scope: str, cap: float) -> None:
        """Open the account; reservations live as long as the heart beats."""
        self.engine, self.heart, self.scope, self.cap = engine, heart, scope, cap
        heart.start()
        with engine.begin() as connection:
            row = _insert(engine)(budgets).values(scope=scope, spent=0.0)
            connection.execute(row.on_conflict_do_nothing())

    def reserve(self, bound: Bound, model: str, batch: bool = False) -> int | None:
        """Reserve a request; returns the reservation, or None where the cap could be passed.

        Args:
            bound: the most that the request can cost by its length.
            model: whose bills tell what the next one may be.
            batch: many requests at once, which nobody waits for.

        """
        with self.engine.begin() as connection:
            spent = _lock(connection, self.scope)
            rate = _rate(connection, self.scope, model)
            usd = self._foreseen_batch(connection, bound, model) if batch else rate.foreseen(bound.total)
            room = self.cap - spent - self._held(connection)
            if usd > room or not (batch or self._bears(connection, rate, model, usd, room)):
                return None
            row = {"scope": self.scope, "owner": self.heart.owner, "usd": usd, "created": time.time()}
            row |= {"bound": bound.total, "prompt": bound.prompt, "model": model[:240] + BATCH if batch else model}
            key = connection.execute(insert(holds).values(row)).inserted_primary_key
            return int(key[0]) if key else None

    def settle(self, hold: int, bill: Bill | None) -> None:
        """Replace a reservation by what was spent; None is unknown: the whole reservation counts as spent."""
        settle(self.engine, hold, bill)

    def in_flight(self) -> bool:
        """Return whether a reservation is open that may still be settled for less.

        What a dead process reserved is not: it counts at most as what such requests were seen to cost.
        """
        with self.engine.begin() as connection:
            self.heart.bury(connection)
            _lock(connection, self.scope)
            mine = (holds.c.scope == self.scope, holds.c.lost.is_(None))
            dead = holds.c.owner.not_in(select(owners.c.owner))
            submitted = holds.c.id.in_(select(batches.c.hold).where(batches.c.hold.is_not(None)))
            for hold in connection.execute(select(holds).where(*mine, dead, ~submitted)).all():
                usd = _rate(connection, self.scope, hold.model or "").lost(hold)
                connection.execute(update(holds).where(holds.c.id == hold.id).values(usd=usd, lost=1))
            return bool(connection.execute(select(func.count()).where(*mine, ~dead)).scalar_one())

    def spent(self) -> float:
        """Return the dollars spent so far, without what is in flight."""
        with self.engine.connect() as connection:
            spent = connection.execute(select(budgets.c.spent).where(budgets.c.scope == self.scope)).scalar_one()
            return float(spent) + self._held(connection, holds.c.lost == 1)

    def _foreseen_batch(self, connection: Connection, bound: Bound, model: str) -> float:
        """Return the most that many requests are expected to cost: as much above their length as any was seen to be."""
        share = max(_rate(connection, self.scope, name).share for name in (model, model[:240] + BATCH))
        return bound.total * (MARGIN * share if share > 1.0 else 1.0)

    def _bears(self, connection: Connection, rate: Rate, model: str, usd: float, room: float) -> bool:
        """Return whether the cap bears one more request to a model beside those in flight, were they all dearer."""
        others = self._held(connection, holds.c.model == model, holds.c.lost.is_(None))
        if others == 0.0:
            return True
        return rate.bills > 0 and rate.surprise() * (others + usd) <= room + others

    def _held(self, connection: Connection, *which: Any) -> float:
        total = select(func.coalesce(func.sum(holds.c.usd), 0.0)).where(holds.c.scope == self.scope, *which)
        return float(connection.execute(total).scalar_one())


def spent(engine: Engine, scope: str) -> float:
    """Return the dollars that an account has spent, without what is in flight; 0 where there is none."""
    with engine.connect() as connection:
        lost = select(func.coalesce(func.sum(holds.c.usd), 0.0)).where(holds.c.scope == scope, holds.c.lost == 1)
        paid = connection.execute(select(budgets.c.spent).where(budgets.c.scope == scope)).scalar_one_or_none()
        return float(paid or 0.0) + float(connection.execute(lost).scalar_one())


def settle(engine: Engine, hold: int, bill: Bill | None) -> None:
    """Replace a reservation of any account by what was spent; None is unknown: all of it counts as spent."""
    with engine.begin() as connection:
        scope = connection.execute(select(holds.c.scope).where(holds.c.id == hold)).scalar_one_or_none()
        if scope is None:
            return
        _lock(connection, scope)
        found = connection.execute(select(holds).where(holds.c.id == hold)).one_or_none()
        if found is None:
            return
        connection.execute(delete(holds).where(holds.c.id == hold))
        usd = found.usd if bill is None else bill.total
        connection.execute(update(budgets).where(budgets.c.scope == scope).values(spent=budgets.c.spent + usd))
        # A refused request costs nothing, which says nothing of the others.
        if found.model and found.bound is not None and (bill is None or bill.total > 0):
            rate = _rate(connection, scope, found.model).with_bill(Bound(found.prompt, found.bound), bill)
            row = _insert(engine)(rates).values(scope=scope, model=found.model, **rate._asdict())
            connection.execute(row.on_conflict_do_update(index_elements=["scope", "model"], set_=rate._asdict()))


def _insert(engine: Engine) -> Any:
    return postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert


def _lock(connection: Connection, scope: str) -> float:
    # The update takes the write lock (the row's lock on PostgreSQL) before anything is read.
    account = budgets.c.scope == scope
    connection.execute(update(budgets).where(account).values(spent=budgets.c.spent))
    return float(connection.execute(select(budgets.c.spent).where(account)).scalar_one())


def _rate(connection: Connection, scope: str, model: str) -> Rate:
    columns = [rates.c[name] for name in Rate._fields]
    found = connection.execute(select(*columns).where(rates.c.scope == scope, rates.c.model == model)).one_or_none()
    return Rate(*found) if found else Rate()
