"""The stream between the requests and the store: what was paid for is safe before the next request goes out."""

from __future__ import annotations

import time

import pytest

from alpacabench.endpoint.stream import Emit, stream

FLUSH = -1


def test_a_worker_goes_on_only_when_the_consumer_is_done_with_its_item() -> None:
    log: list[tuple[str, int]] = []

    async def work(emit: Emit[int]) -> None:
        for item in range(3):
            emit(item)
            await emit.taken()
            log.append(("next", item))

    for item in stream(work, FLUSH):
        if item != FLUSH:
            time.sleep(0.02)
            log.append(("done", item))
    assert log == [("done", 0), ("next", 0), ("done", 1), ("next", 1), ("done", 2), ("next", 2)]


def test_items_that_arrive_together_are_followed_by_one_flush() -> None:
    async def work(emit: Emit[int]) -> None:
        for item in range(5):
            emit(item)
        await emit.taken()

    got = list(stream(work, FLUSH))
    assert [item for item in got if item != FLUSH] == [0, 1, 2, 3, 4]
    assert got[-1] == FLUSH


def test_an_error_comes_after_the_items_that_were_paid_for() -> None:
    async def work(emit: Emit[int]) -> None:
        emit(7)
        raise ValueError("the server is gone")

    got = []
    with pytest.raises(ValueError, match="the server is gone"):
        for item in stream(work, FLUSH):
            got.append(item)
    assert got[0] == 7


def test_a_consumer_that_stops_listening_ends_the_work() -> None:
    ended = []

    async def work(emit: Emit[int]) -> None:
        try:
            for item in range(1000):
                emit(item)
                await emit.taken()
        finally:
            ended.append(True)

    items = stream(work, FLUSH)
    assert next(items) == 0
    items.close()
    assert ended == [True]
