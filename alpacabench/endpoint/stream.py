"""A synchronous generator over asynchronous work: replies are yielded as they arrive."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import TypeVar

Item = TypeVar("Item")
Emit = Callable[[Item], None]


class _End:
    """The end of the stream, with the error that ended it, if any."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def stream(work: Callable[[Emit[Item]], Awaitable[None]]) -> Iterator[Item]:
    """Run `work` on an event loop of its own and yield what it emits; closing the generator cancels the work.

    A thread of its own, so that it also runs where the caller is inside an event loop already (a notebook), and so that
    requests go on while the caller writes what it got.
    """
    items: queue.SimpleQueue[Item | _End] = queue.SimpleQueue()
    loop = asyncio.new_event_loop()
    task = loop.create_task(_finish(work, items))
    thread = threading.Thread(target=_run, args=(loop, task), name="requests", daemon=True)
    thread.start()
    try:
        while not isinstance(item := items.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        # The loop closes by itself at any moment once the work is done: asking first whether it is open would race.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(task.cancel)
        thread.join()


async def _finish(work: Callable[[Emit[Item]], Awaitable[None]], items: queue.SimpleQueue[Item | _End]) -> None:
    try:
        await work(items.put)
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
