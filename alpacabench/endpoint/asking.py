"""Send many requests to one server: the first alone, then as many at once as allowed, each until it is answered."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from alpacabench.core.errors import StageError
from alpacabench.core.hosts import NO_KEY, api_key, key_variable, public_url
from alpacabench.endpoint.dialect import Dialect
from alpacabench.endpoint.pacer import Pacer
from alpacabench.endpoint.spending import Purse, Receipt
from alpacabench.endpoint.stream import Emit, stream
from alpacabench.endpoint.wire import Body, BrokenError, Completion, RefusedError, Wire
from alpacabench.store.ask_once import FLUSH, Reply, may_ask
from alpacabench.store.bill import Bill
from alpacabench.store.payload import Payload

log = logging.getLogger(__name__)

BROKEN_TRIES = 10
UNREACHABLE_TRIES = 4
"""While nothing has been answered yet: a wrong URL should be found out soon."""
REFUSED_TRIES = 60
UNREADABLE_TRIES = 3
UNREADABLE_AT_START = 5
"""So many unreadable completions before the first readable one stop the run."""
LONGEST_WAIT = 30.0
ONE_REQUEST_ONLY = ("content_filter", "context_length_exceeded", "string_above_max_length", "invalid_prompt")
"""Error codes that say nothing about the other requests."""

FREE = Bill(0.0, 0.0)
"""Of a request that was not served."""

Read = Callable[[str, Completion], Payload]
"""Turns the completion for a key into a payload; raises ValueError where it cannot be read."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request to be sent."""

    key: str
    body: Body


@dataclass(slots=True)
class _Attempt:
    call: Call
    broken: int = 0
    refused: int = 0
    unreadable: int = 0
    spent: dict[str, Any] = field(default_factory=lambda: {"prompt_tokens": 0, "completion_tokens": 0, "cost_usd": 0.0})


def ask_server(
    wire: Wire, calls: Sequence[Call], read: Read, concurrency: int, purse: Purse, error: type[StageError]
) -> Iterator[Reply]:
    """Send the calls and yield replies as they arrive, never more than `concurrency` in flight.

    Raises:
        StageError: of the class `error`, where going on makes no sense; what was paid for has been yielded before.

    """
    yield from stream(_Session(wire, read, concurrency, purse, error).run_with(calls), FLUSH)


class _Session:
    def __init__(self, wire: Wire, read: Read, concurrency: int, purse: Purse, error: type[StageError]) -> None:
        self.wire, self.read, self.concurrency, self.purse, self.error = wire, read, concurrency, purse, error
        self.pacer = Pacer()
        self.dialect = Dialect()
        self.unreadable = 0
        self.answered = 0
        self.stop: StageError | None = None
        self.stopped = asyncio.Event()
        self.may_ask = may_ask.get()
        self.lost = False
        """Whether other processes have taken the questions over: nothing more is sent, and nothing is said of them."""
        self.emit: Emit[Reply]

    def run_with(self, calls: Sequence[Call]) -> Callable[[Emit[Reply]], Any]:
        """Return the work for `stream`."""

        async def work(emit: Emit[Reply]) -> None:
            self.emit = emit
            await self.wire.open()
            try:
                await self._run([_Attempt(call) for call in calls])
            finally:
                await self.wire.close()

        return work

    async def _run(self, attempts: list[_Attempt]) -> None:
        first = 0
        while first < len(attempts) and not self.answered and not self.stop:
            while (delay := await self._try(attempts[first])) is not None:
                await asyncio.sleep(delay)
            first += 1
        if not self.stop:
            await self._run_many(attempts[first:])
        if self.stop:
            raise self.stop

    async def _run_many(self, attempts: list[_Attempt]) -> None:
        queue: asyncio.Queue[_Attempt | None] = asyncio.Queue()
        for attempt in attempts:
            queue.put_nowait(attempt)
        workers = [asyncio.create_task(self._work(queue)) for _ in range(min(self.concurrency, len(attempts)))]
        joined, stopped = asyncio.create_task(queue.join()), asyncio.create_task(self.stopped.wait())
        try:
            await asyncio.wait({joined, stopped, *workers}, return_when=asyncio.FIRST_COMPLETED)
            # Requests in flight are paid for: each worker brings in its own before it ends, also when the run stops.
            for _ in workers:
                queue.put_nowait(None)
            await asyncio.gather(*workers)
        finally:
            for task in (joined, stopped, *workers):
                task.cancel()
            await asyncio.gather(joined, stopped, *workers, return_exceptions=True)

    async def _work(self, queue: asyncio.Queue[_Attempt | None]) -> None:
        def again(attempt: _Attempt) -> None:
            queue.put_nowait(attempt)
            queue.task_done()

        while (attempt := await queue.get()) is not None and not self.stop:
            delay = await self._try(attempt)
            if delay is None:
                # What is paid for is safe before the next request goes out: kill -9 repeats only what is in flight.
                await self.emit.taken()
                queue.task_done()
            else:
                # A request that has to wait leaves its slot to the others.
                asyncio.get_running_loop().call_later(delay, again, attempt)

    async def _try(self, attempt: _Attempt) -> float | None:
        """Send one request; return None where it is settled, else the seconds after which to send it again."""
        self.lost = self.lost or not await asyncio.to_thread(self.may_ask)
        if self.lost:
            return None
        body = self.dialect.apply(attempt.call.body)
        try:
            hold = await self.purse.reserve(body, lambda: self.stop is not None)
        except StageError as error:
            self._end(error)
            return None
        sent = await self.pacer.turn()
        try:
            completion = await self.wire.send(body)
        except RefusedError as error:
            await self.purse.settle(hold, FREE)
            self.pacer.record(sent, error.status != 429)
            return self._refused(attempt, error)
        except BrokenError as error:
            # What a server did before the connection broke may be billed: it stays reserved.
            await self.purse.settle(hold, None if error.reached else FREE)
            return self._broken(attempt, error)
        self.pacer.record(sent, True)
        receipt = self.purse.receipt(completion)
        await self.purse.settle(hold, receipt.bill)
        return self._received(attempt, completion, receipt)

    def _received(self, attempt: _Attempt, completion: Completion, receipt: Receipt) -> float | None:
        spent, cost = attempt.spent, receipt.bill.total if receipt.bill else None
        spent["prompt_tokens"] += receipt.prompt_tokens
        spent["completion_tokens"] += receipt.completion_tokens
        spent["cost_usd"] = None if cost is None or spent["cost_usd"] is None else spent["cost_usd"] + cost
        try:
            payload = self.read(attempt.call.key, completion)
        except ValueError as error:
            return self._unreadable(attempt, completion, error)
        self.answered += 1
        self.emit(Reply(attempt.call.key, payload | spent | {"seconds": completion.seconds}))
        return None

    def _unreadable(self, attempt: _Attempt, completion: Completion, error: ValueError) -> float | None:
        attempt.unreadable += 1
        self.unreadable += 1
        cause = f"unreadable: {error}"
        if not self.answered and self.unreadable >= UNREADABLE_AT_START:
            self._end(
                self.error(
                    f"the first {self.unreadable} completions of {public_url(self.wire.url)} cannot be read: {error}\n"
                    f"    one of them: {completion.text[:500]!r} (finish reason: {completion.finish_reason})\n"
                    "    check that model, template and judge fit together"
                )
            )
        elif attempt.unreadable < UNREADABLE_TRIES and not self.stop:
            return 0.0
        self.emit(Reply(attempt.call.key, failure=cause, detail={"completion": completion.raw} | attempt.spent))
        return None

    def _refused(self, attempt: _Attempt, error: RefusedError) -> float | None:
        passing, limited = error.passing and error.code != "insufficient_quota", error.status == 429
        attempt.refused += limited
        attempt.broken += not limited
        again = attempt.refused < REFUSED_TRIES if limited else attempt.broken < BROKEN_TRIES
        if passing and again and not self.stop:
            return self._wait(attempt.refused if limited else attempt.broken, error.retry_after)
        if not self.answered and self.dialect.learn(error):
            return 0.0
        self.emit(Reply(attempt.call.key, failure=str(error), detail=attempt.spent))
        hopeless = error.status in (401, 403, 404) or error.code == "insufficient_quota"
        if hopeless or (not self.answered and error.code not in ONE_REQUEST_ONLY):
            self._end(self.error(self._explain(error)))
        return None

    def _broken(self, attempt: _Attempt, error: BrokenError) -> float | None:
        attempt.broken += 1
        tries = BROKEN_TRIES if self.answered else UNREACHABLE_TRIES
        if attempt.broken < tries and not self.stop:
            if not self.answered:
                log.warning("no usable answer of %s yet, trying again: %s", public_url(self.wire.url), error)
            return self._wait(attempt.broken, None)
        self.emit(Reply(attempt.call.key, failure=str(error), detail=attempt.spent))
        if not self.answered:
            server = public_url(self.wire.url)
            self._end(self.error(f"{server} gives no answer: {error}\n    check base_url, and that the server runs"))
        return None

    def _wait(self, times: int, retry_after: float | None) -> float:
        """Return the seconds before the next try: what the server asked for, else exponential, both with jitter."""
        if retry_after is not None:
            return retry_after + random.uniform(0.0, 0.05 * max(1.0, retry_after))
        return min(LONGEST_WAIT, 0.5 * 2.0 ** min(times - 1, 10)) * random.uniform(0.5, 1.0)

    def _end(self, error: StageError) -> None:
        self.stop = self.stop or error
        self.stopped.set()

    def _explain(self, error: RefusedError) -> str:
        server = public_url(self.wire.url)
        variable = key_variable(self.wire.url, self.wire.default_variable)
        message = f"{server} refuses the request: HTTP {error.status}: {error.message}"
        if error.status == 401:
            has_key = api_key(self.wire.url, self.wire.default_variable) != NO_KEY
            remedy = f"the key in {variable} is not accepted" if has_key else f"it needs a key: export {variable}=..."
        elif error.status == 404:
            remedy = "no such model or path there: check model name and base_url (most servers' URL ends in /v1)"
        elif error.code == "insufficient_quota":
            remedy = "the account has no quota left; nothing that was paid for is lost, run again later"
        else:
            remedy = self.dialect.remedy(error)
        return f"{message}\n    {remedy}"
