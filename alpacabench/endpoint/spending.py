"""What requests cost, and whether the next one may be paid for.

The pipeline says once who pays (`paying`); every client that it reaches from there looks the account up.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from alpacabench.core.context import find, given
from alpacabench.core.errors import BudgetExceeded
from alpacabench.core.hosts import public_url
from alpacabench.cost.price import Price, price_of
from alpacabench.endpoint.wire import Body, Completion
from alpacabench.store import servers
from alpacabench.store.bill import Bill, Bound

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from alpacabench.store.ask_once import AnswerStore
    from alpacabench.store.budget import Ledger
    from alpacabench.store.heartbeat import Heartbeat
    from alpacabench.store.store import Store

log = logging.getLogger(__name__)

MOST_TOKENS = 10**8
"""More than any model reads or writes at once."""

WAIT_SECONDS = 0.1
"""How often to look whether requests in flight were settled for less than reserved."""


class Account(NamedTuple):
    """Who pays, and where that is kept."""

    engine: Engine
    heart: Heartbeat
    scope: str
    usd: float | None
    """The hard cap; None is none."""


class Receipt(NamedTuple):
    """What one completion took, as its server tells it."""

    prompt_tokens: int
    completion_tokens: int
    bill: Bill | None
    """None where the price is unknown, or the server's word is none that can be."""

    def spent(self) -> dict[str, Any]:
        """Return it in the form in which it is stored with an answer."""
        usd = self.bill.total if self.bill else None
        return {"prompt_tokens": self.prompt_tokens, "completion_tokens": self.completion_tokens, "cost_usd": usd}


@contextmanager
def paying(store: Store, scope: str = "", usd: float | None = None) -> Iterator[None]:
    """Let everything inside be paid from one account.

    Args:
        store: keeps the ledger and the open batches.
        scope: what the cap is for: the same for all jobs and processes of a sweep, and for its repetition.
        usd: the hard cap in dollars; None is none.

    """
    with given(Account(store.engine, store.heart, scope, usd)):
        yield


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
    return find(Account)


class Purse:
    """Pays for the requests to one model."""

    def __init__(self, model: str, batch: bool = False) -> None:
        self.model, self.batch = model, batch
        self.price: Price | None = price_of(model)
        self._told = False
        paid = account()
        self._keeper = paid.engine if paid else None
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

        return Ledger(paid.engine, paid.heart, paid.scope, paid.usd)

    def known(self, url: str) -> dict[str, Any]:
        """Return what the store knows of the model at a server: what it takes."""
        return servers.read(self._keeper, public_url(url), self.model) if self._keeper is not None else {}

    def keep(self, url: str, takes: Mapping[str, Any]) -> None:
        """Keep what a server was seen to take, for every later run."""
        if self._keeper is not None:
            servers.write(self._keeper, public_url(url), self.model, takes)

    def receipt(self, completion: Completion) -> Receipt:
        """Return what a completion took; no count is below zero, and no cost either.

        A server whose counts cannot be (none of a prompt, below zero, more than any model reads) has told nothing: the
        cost is unknown. One whose cached tokens are more than the prompt's counts them apart.
        """
        prompt, written, cached = completion.prompt_tokens, completion.completion_tokens, completion.cached_tokens
        if not (0 < prompt <= MOST_TOKENS and 0 <= written <= MOST_TOKENS and 0 <= cached <= MOST_TOKENS):
            if (prompt or written) and not self._told:
                self._told = True
                log.warning("The server of '%s' bills what cannot be: its cost counts as unknown", self.model)
            return Receipt(0, 0, None)
        prompt += cached if cached > prompt else 0
        if self.price is None:
            return Receipt(prompt, written, None)
        of_prompt = self.price.cost(prompt, 0, cached, self.batch)
        return Receipt(prompt, written, Bill(of_prompt, of_prompt + self.price.cost(0, written, batch=self.batch)))

    def bound(self, body: Body) -> Bound:
        """Return what a request can cost by its length: a token has a byte or more; servers add some per message."""
        price = self.price or Price(0.0, 0.0, 0.0, 1.0)
        messages = body.get("messages") or ()
        prompt = len(json.dumps(body, ensure_ascii=False).encode(errors="surrogatepass")) + 16 * len(messages) + 64
        completion = body.get("max_tokens") or body.get("max_completion_tokens") or 0
        of_prompt = price.cost(prompt, 0, batch=self.batch)
        return Bound(of_prompt, of_prompt + price.cost(0, completion, batch=self.batch))

    async def reserve(self, body: Body, stopped: Callable[[], bool]) -> int:
        """Reserve what the request can cost at most; waits while requests in flight may leave something over.

        Raises:
            BudgetExceeded: the request could break the cap.

        """
        if (ledger := self._ledger) is None:
            return 0
        bound = self.bound(body)

        def hold() -> int | None:
            return ledger.reserve(bound, self.model)

        while (held := await asyncio.to_thread(hold)) is None:
            waiting = await asyncio.to_thread(ledger.in_flight)
            # What was in flight may have been settled for less after the reservation failed: one more try decides.
            if not waiting and (held := await asyncio.to_thread(hold)) is not None:
                break
            if stopped() or not waiting:
                raise self._exceeded(ledger, bound.total)
            await asyncio.sleep(WAIT_SECONDS)
        return held

    def reserve_all(self, bodies: Iterable[Body]) -> int:
        """Reserve what all these requests together can cost at most.

        Raises:
            BudgetExceeded: they could break the cap.

        """
        if self._ledger is None:
            return 0
        bounds = [self.bound(body) for body in bodies]
        bound = Bound(sum(b.prompt for b in bounds), sum(b.total for b in bounds))
        hold = self._ledger.reserve(bound, self.model, batch=True)
        if hold is None:
            self._ledger.in_flight()
            hold = self._ledger.reserve(bound, self.model, batch=True)
        if hold is None:
            raise self._exceeded(self._ledger, bound.total)
        return hold

    def _exceeded(self, ledger: Ledger, usd: float) -> BudgetExceeded:
        return BudgetExceeded(
            f"the next request to '{self.model}' could cost ${usd:.4f}, and ${ledger.spent():.4f} of "
            f"budget.usd={ledger.cap} are spent\n"
            "    what was paid for is kept: the same command with a higher budget.usd asks only for the rest"
        )

    async def settle(self, hold: int, bill: Bill | None) -> None:
        """Replace a reservation by what was spent; None is unknown, and all of it counts as spent."""
        if self._ledger is not None:
            await asyncio.to_thread(self._ledger.settle, hold, bill)


def settle_batch(hold: int, usd: float | None) -> None:
    """Replace a batch's reservation, whoever made it, by what its server billed; None: by nothing that is known."""
    from alpacabench.store.budget import settle

    paid = account()
    if paid is not None and hold:
        settle(paid.engine, hold, None if usd is None else Bill(usd, usd))
