"""A synchronous generator over asynchronous work: replies are yielded as they arrive."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Generic, TypeVar

Item = TypeVar("Item")


class _End:
    """The end of the stream, with the error that ended it, if any."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class Emit(Generic[Item]):
    """Hands items from the event loop to the consumer's thread."""

    def __init__(self, items: queue.SimpleQueue[Item | _End]) -> None:
        self._items = items
        self._emitted = self._taken = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    def __call__(self, item: Item) -> None:
        """Hand over one item."""
        self._emitted += 1
        self._items.put(item)

    async def taken(self) -> None:
        """Wait until the consumer is done with everything that was handed over so far."""
        if self._taken < self._emitted:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((self._emitted, done))
            await done

    def note(self, count: int) -> None:
        """Note that the consumer is done with so many more items; called on the event loop."""
        self._taken += count
        while self._waiting and self._waiting[0][0] <= self._taken:
            _, done = self._waiting.popleft()
            if not done.done():
                done.set_result(None)


def stream(work: Callable[[Emit[Item]], Awaitable[None]], flush: Item) -> Iterator[Item]:
    """Run `work` on an event loop of its own and yield what it emits; closing the generator cancels the work.

    A thread of its own, so that it also runs where the caller is inside an event loop already (a notebook), and so that
    requests go on while the caller writes what it got.

    Args:
        work: emits items; `await emit.taken()` waits until the consumer is done with them.
        flush: yielded after the items that arrived together.

    """
    items: queue.SimpleQueue[Item | _End] = queue.SimpleQueue()
    emit = Emit(items)
    loop = asyncio.new_event_loop()
    task = loop.create_task(_finish(work, emit, items))
    thread = threading.Thread(target=_run, args=(loop, task), name="requests", daemon=True)
    thread.start()
    end: _End | None = None
    try:
        while end is None:
            arrived, end = _arrived(items)
            yield from arrived
            yield flush
            _tell(loop, emit.note, len(arrived))
        if end.error is not None:
            raise end.error
    finally:
        _tell(loop, task.cancel)
        thread.join()


def _arrived(items: queue.SimpleQueue[Item | _End]) -> tuple[list[Item], _End | None]:
    """Wait for an item; return all that have arrived, and the end where it has come."""
    arrived: list[Item] = []
    item = items.get()
    while not isinstance(item, _End):
        arrived.append(item)
        try:
            item = items.get_nowait()
        except queue.Empty:
            return arrived, None
    return arrived, item


def _tell(loop: asyncio.AbstractEventLoop, call: Callable[..., object], *arguments: object) -> None:
    # The loop closes by itself at any moment once the work is done: asking first whether it is open would race.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(call, *arguments)


async def _finish(
    work: Callable[[Emit[Item]], Awaitable[None]], emit: Emit[Item], items: queue.SimpleQueue[Item | _End]
) -> None:
    try:
        await work(emit)
    except asyncio.CancelledError:
        items.put(_End(None))
    except BaseException as error:
        items.put(_End(error))
    else:
        items.put(_End(None))


def _run(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(task)
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
