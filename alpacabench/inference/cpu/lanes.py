"""Parts of a batch side by side on a CPU: each lane is a thread of this process, with cores of its own.

When all cores share every operation, they spend much of a step waking up and waiting for each other. A lane keeps to
its rows and its cores, on the same weights, and is as fast as a process of its own (benchmarks/RESULTS.md).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING

from alpacabench.core import progress
from alpacabench.inference.loaded import Loaded
from alpacabench.inference.spec import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from alpacabench.inference.decode import DecodeLoop

MOST_LANES = 4
"""Python runs in one thread at a time: more lanes would wait for the interpreter."""

LANE_ROWS = 8
"""The fewest rows at once for which a lane of their own is worth it."""


class Abandoned(Exception):
    """Nobody waits for this lane's answers any more."""


def lane_count(loaded: Loaded, rows: int) -> int:
    """Return into how many lanes so many rows at once are parted; 1 where a model may not run in two threads.

    Code that comes with a model, accelerate's hooks and quantised layers may keep state between calls.
    """
    import torch

    spec = loaded.spec
    alone = spec.trust_remote_code or spec.quantization or getattr(loaded.model, "hf_device_map", None)
    if loaded.device.type != "cpu" or alone:
        return 1
    return max(1, min(torch.get_num_threads(), MOST_LANES, rows // LANE_ROWS))


def side_by_side(loops: Sequence[DecodeLoop], run: Callable[[DecodeLoop], Iterator[Answer]]) -> Iterator[Answer]:
    """Yield the answers of all lanes as they finish.

    Raises:
        Exception: the first that a lane raises; the other lanes end with their current step.

    """
    import torch

    threads = torch.get_num_threads()
    shared = _Lanes(loops, run)
    lanes = [
        threading.Thread(
            target=copy_context().run, args=(shared.decode, number, threads // len(loops)), name=f"lane {number}"
        )
        for number in range(len(loops))
    ]
    for lane in lanes:
        lane.start()
    try:
        yield from shared.answers()
    finally:
        shared.abandoned.set()
        for lane in lanes:
            lane.join()
        torch.set_num_threads(threads)  # a lane's setting is the default of threads that start later


class _Lanes:
    """What the lanes share with the one thread that waits for their answers."""

    def __init__(self, loops: Sequence[DecodeLoop], run: Callable[[DecodeLoop], Iterator[Answer]]) -> None:
        self.loops = loops
        self.run = run
        self.abandoned = threading.Event()
        self._arrived: SimpleQueue[Answer | BaseException | None] = SimpleQueue()
        """An answer; an error; or None, where a lane is through."""
        self._written = [0.0] * len(loops)
        """How much of its answers in flight each lane has written, as a number of answers."""

    def decode(self, number: int, threads: int) -> None:
        """Write the answers of one lane, in its own thread."""
        import torch

        torch.set_num_threads(threads)
        self.loops[number].stepped = partial(self._stepped, number)
        try:
            for answer in self.run(self.loops[number]):
                self._arrived.put(answer)
        except BaseException as error:  # whatever it is, the others must not be waited for without an end
            self._arrived.put(error)
        else:
            self._arrived.put(None)

    def answers(self) -> Iterator[Answer]:
        """Yield answers until every lane is through; raise the first error of a lane."""
        running = len(self.loops)
        while running:
            message = self._arrived.get()
            if isinstance(message, BaseException):
                raise message
            if message is None:
                running -= 1
            else:
                yield message

    def _stepped(self, number: int, units: float) -> None:
        if self.abandoned.is_set():
            raise Abandoned
        self._written[number] = units
        progress.in_flight(sum(self._written))
