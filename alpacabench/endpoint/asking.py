"""Send many requests to one server: the first alone, then as many at once as allowed, each until it is answered."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from alpacabench.core.context import find
from alpacabench.core.errors import StageError
from alpacabench.core.hosts import NO_KEY, api_key, key_variable, public_url
from alpacabench.endpoint.agreement import UNREACHABLE_TRIES, Agreement
from alpacabench.endpoint.dialect import Dialect
from alpacabench.endpoint.pacer import Pacer
from alpacabench.endpoint.spending import Purse, Receipt
from alpacabench.endpoint.stream import Emit, stream
from alpacabench.endpoint.waits import Waits, at, lasting
from alpacabench.endpoint.wire import Body, BrokenError, Completion, RefusedError, UnfinishedError, Wire, whole
from alpacabench.store.ask_once import FLUSH, Reply, may_ask
from alpacabench.store.bill import Bill
from alpacabench.store.payload import Payload

log = logging.getLogger(__name__)

BROKEN_TRIES = 10
REFUSED_TRIES = 60
UNREADABLE_TRIES = 3

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
        self.dialect = Dialect(purse.known(wire.url))
        self.agreement = find(Agreement) or Agreement()
        self.waits = Waits(public_url(wire.url))
        self.stop: StageError | None = None
        self.stopped = asyncio.Event()
        self.turn = asyncio.Lock()
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
        waiting = deque(attempts)
        while waiting and not self.agreement.answered and not self.stop:
            attempt = waiting.popleft()
            if (delay := await self._try(attempt)) is not None:
                # The next one is another prompt: what is wrong with one must not look like the server's fault.
                waiting.append(attempt)
                await asyncio.sleep(delay)
        if not self.stop:
            await self._run_many(list(waiting))
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
        # In the order of the questions: near the cap it decides which of them are paid for, the same ones every time.
        async with self.turn:
            self.lost = self.lost or not await asyncio.to_thread(self.may_ask)
            if self.lost or self.stop:
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
            return self._refused(attempt, error, body)
        except BrokenError as error:
            # What a server did before the connection broke may be billed: it stays reserved.
            await self.purse.settle(hold, None if error.reached else FREE)
            return self._broken(attempt, error)
        self.pacer.record(sent, True)
        receipt = self.purse.receipt(completion)
        await self.purse.settle(hold, receipt.bill)
        if (takes := self.dialect.answered(body)) is not None:
            await asyncio.to_thread(self.purse.keep, self.wire.url, takes)
        return self._received(attempt, completion, receipt)

    def _received(self, attempt: _Attempt, completion: Completion, receipt: Receipt) -> float | None:
        spent, cost = attempt.spent, receipt.bill.total if receipt.bill else None
        spent["prompt_tokens"] += receipt.prompt_tokens
        spent["completion_tokens"] += receipt.completion_tokens
        spent["cost_usd"] = None if cost is None or spent["cost_usd"] is None else spent["cost_usd"] + cost
        try:
            payload = self.read(attempt.call.key, whole(completion))
        except ValueError as error:
            return self._unreadable(attempt, completion, error)
        self.agreement.received()
        self.waits.received()
        self.emit(Reply(attempt.call.key, payload | spent | {"seconds": completion.seconds}))
        return None

    def _unreadable(self, attempt: _Attempt, completion: Completion, error: ValueError) -> float | None:
        attempt.unreadable += 1
        own = isinstance(error, UnfinishedError) and not error.passing
        shown = (completion.text or json.dumps(completion.raw))[:500]
        if not own and (found := self.agreement.unreadable(attempt.call.key)):
            self._end(
                self.error(
                    f"the first {found} completions of {public_url(self.wire.url)} cannot be read: {error}\n"
                    f"    one of them: {shown!r} (finish reason: {completion.finish_reason})\n"
                    "    check that model, template and judge fit together"
                )
            )
        elif not own and attempt.unreadable < UNREADABLE_TRIES and not self.stop:
            return 0.0
        cause = f"unreadable: {error}"
        self.emit(Reply(attempt.call.key, failure=cause, detail={"completion": completion.raw} | attempt.spent))
        return None

    def _refused(self, attempt: _Attempt, error: RefusedError, sent: Body) -> float | None:
        if self.dialect.learn(error) or self.dialect.apply(attempt.call.body) != sent:
            return 0.0
        key, passing, limited = attempt.call.key, error.passing and error.code != "insufficient_quota", error.limited
        attempt.refused += limited
        attempt.broken += not limited
        again = attempt.refused < REFUSED_TRIES if limited else attempt.broken < BROKEN_TRIES
        if passing and self.waits.far(error.retry_after):
            self._end(self.error(self._far(error)))
        everyone = passing and not limited and self.agreement.broken(key, reached=True, tries=BROKEN_TRIES)
        if passing and again and not everyone and not self.stop:
            return self.waits.seconds(attempt.refused if limited else attempt.broken, error.retry_after, error)
        self.emit(Reply(key, failure=str(error), detail=attempt.spent))
        if everyone or self._hopeless(error) or self.agreement.refused(key, error):
            self._end(self.error(self._explain(error)))
        return None

    def _hopeless(self, error: RefusedError) -> bool:
        """Return whether one refusal says enough: of the key, the model, the quota, or a field of every request."""
        always = error.sent in (401, 404) or 300 <= error.sent < 400 or error.code == "insufficient_quota"
        return always or (not self.agreement.answered and bool(self.dialect.remedy(error)))

    def _broken(self, attempt: _Attempt, error: BrokenError) -> float | None:
        attempt.broken += 1
        answered = self.agreement.answered
        tries = BROKEN_TRIES if answered else UNREACHABLE_TRIES
        everyone = self.agreement.broken(attempt.call.key, error.reached)
        server = public_url(self.wire.url)
        if attempt.broken < tries and not everyone and not self.stop:
            if not answered:
                log.warning("no usable answer of %s yet, trying again: %s", server, error)
            return self.waits.seconds(attempt.broken, None, error)
        self.emit(Reply(attempt.call.key, failure=str(error), detail=attempt.spent))
        if everyone:
            self._end(self.error(f"{server} gives no answer: {error}\n    check base_url, and that the server runs"))
        return None

    def _far(self, error: RefusedError) -> str:
        asked = error.retry_after or 0.0
        return (
            f"{public_url(self.wire.url)} asks to come back in {lasting(asked)} ({at(asked)}): {error.message}\n"
            "    what was answered is kept: the same command asks only for the rest"
        )

    def _end(self, error: StageError) -> None:
        self.stop = self.stop or error
        self.stopped.set()

    def _explain(self, error: RefusedError) -> str:
        server = public_url(self.wire.url)
        variable = key_variable(self.wire.url, self.wire.default_variable)
        message = f"{server} refuses the request: {error}"
        if error.status == 401:
            has_key = api_key(self.wire.url, self.wire.default_variable) != NO_KEY
            remedy = f"the key in {variable} is not accepted" if has_key else f"it needs a key: export {variable}=..."
        elif error.status == 404:
            remedy = "no such model or path there: check model name and base_url (most servers' URL ends in /v1)"
        elif error.code == "insufficient_quota" or error.status == 402:
            remedy = "the account has no quota left; nothing that was paid for is lost, run again later"
        else:
            remedy = (
                self.dialect.remedy(error) or "change what the server names and run again; what was answered is kept"
            )
        return f"{message}\n    {remedy}"
