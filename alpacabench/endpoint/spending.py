"""What requests cost, and whether the next one may be paid for.

The pipeline says once who pays (`paying`); every client that it reaches from there looks the account up.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

from alpacabench.core.errors import BudgetExceeded
from alpacabench.cost.price import Price, price_of
from alpacabench.endpoint.wire import Body, Completion

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from alpacabench.store.ask_once import AnswerStore
    from alpacabench.store.budget import Ledger
    from alpacabench.store.store import Store

WAIT_SECONDS = 0.1
"""How often to look whether requests in flight were settled for less than reserved."""


class Account(NamedTuple):
    """Who pays, and where that is kept."""

    engine: Engine
    owner: str
    scope: str
    usd: float | None
    """The hard cap; None is none."""


_account: ContextVar[Account | None] = ContextVar("account", default=None)


@contextmanager
def paying(store: Store, scope: str = "", usd: float | None = None) -> Iterator[None]:
    """Let everything inside be paid from one account.

    Args:
        store: keeps the ledger and the open batches.
        scope: what the cap is for: the same for all jobs and processes of a sweep, and for its repetition.
        usd: the hard cap in dollars; None is none.

    """
    token = _account.set(Account(store.engine, store.owner, scope, usd))
    try:
        yield
    finally:
        _account.reset(token)


@contextmanager
def paying_with(store: AnswerStore) -> Iterator[None]:
    """Let everything inside use this store, without a cap, unless somebody said already who pays."""
    from alpacabench.store.store import Store

    if account() is None and isinstance(store, Store):
        with paying(store):
            yield
    else:
        yield


def account() -> Account | None:
    """Return the account that pays here."""
    return _account.get()


class Purse:
    """Pays for the requests to one model."""

    def __init__(self, model: str, batch: bool = False) -> None:
        self.model, self.batch = model, batch
        self.price: Price | None = price_of(model)
        self._factor = 1.0
        self._bounds: dict[int, float] = {}
        self._ledger = self._open()

    def _open(self) -> Ledger | None:
        paid = account()
        if paid is None or paid.usd is None:
            return None
        if self.price is None:
            raise BudgetExceeded(
                f"budget.usd is {paid.usd}, but the price of '{self.model}' is unknown, so the cap could not be kept\n"
                "    add the model to a file in conf/prices (0 where it is free), or set budget.usd=null"
            )
        from alpacabench.store.budget import Ledger

        return Ledger(paid.engine, paid.owner, paid.scope, paid.usd)

    def cost(self, completion: Completion) -> float | None:
        """Return the dollars that a completion cost; None where the price is unknown."""
        if self.price is None:
            return None
        return self.price.cost(
            completion.prompt_tokens, completion.completion_tokens, completion.cached_tokens, self.batch
        )

    def bound(self, body: Body) -> float:
        """Return what a request can cost at most: a token has at least one byte, and servers add a few to each message.

        Where a server was seen to bill more than that, its excess is expected of the others, too.
        """
        price = self.price or Price(0.0, 0.0, 0.0, 1.0)
        messages = body.get("messages") or ()
        prompt = len(json.dumps(body, ensure_ascii=False).encode()) + 16 * len(messages) + 64
        completion = body.get("max_tokens") or body.get("max_completion_tokens") or 0
        return price.cost(prompt, completion, batch=self.batch) * self._factor

    async def reserve(self, body: Body, stopped: Callable[[], bool]) -> int:
        """Reserve what the request can cost at most; waits while requests in flight may leave something over.

        Raises:
            BudgetExceeded: the request could break the cap.

        """
        if self._ledger is None:
            return 0
        usd = self.bound(body)
        while (hold := await asyncio.to_thread(self._ledger.reserve, usd)) is None:
            waiting = await asyncio.to_thread(self._ledger.in_flight)
            # What was in flight may have been settled for less after the reservation failed: one more try decides.
            if not waiting and (hold := await asyncio.to_thread(self._ledger.reserve, usd)) is not None:
                break
            if stopped() or not waiting:
                raise self._exceeded(self._ledger, usd)
            await asyncio.sleep(WAIT_SECONDS)
        self._bounds[hold] = usd
        return hold

    def reserve_all(self, bodies: Iterable[Body], seconds: float) -> int:
        """Reserve what all these requests together can cost at most.

        Args:
            bodies: the requests.
            seconds: how long they may take.

        Raises:
            BudgetExceeded: they could break the cap.

        """
        if self._ledger is None:
            return 0
        usd = sum(self.bound(body) for body in bodies)
        hold = self._ledger.reserve(usd, seconds)
        if hold is None:
            raise self._exceeded(self._ledger, usd)
        return hold

    def settle_all(self, hold: int, cost: float) -> None:
        """Replace a reservation by what was spent."""
        if self._ledger is not None:
            self._ledger.settle(hold, cost)

    def _exceeded(self, ledger: Ledger, usd: float) -> BudgetExceeded:
        return BudgetExceeded(
            f"the next request to '{self.model}' could cost ${usd:.4f}, and ${ledger.spent():.4f} of "
            f"budget.usd={ledger.cap} are spent\n"
            "    what was paid for is kept: the same command with a higher budget.usd asks only for the rest"
        )

    async def settle(self, hold: int, cost: float | None) -> None:
        """Replace a reservation by what was spent; None keeps it."""
        if self._ledger is None:
            return
        bound = self._bounds.pop(hold)
        if cost and cost > bound:
            self._factor *= 1.1 * cost / bound
        await asyncio.to_thread(self._ledger.settle, hold, cost)
