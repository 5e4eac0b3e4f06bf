"""Run one program in a sandbox and say how it ended. There is no way to run it without one."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, Literal

from alpacabench.core.errors import Problem, StageError
from alpacabench.sandbox.bubblewrap import Bubblewrap
from alpacabench.sandbox.command import Limits, Sandbox
from alpacabench.sandbox.docker import Docker

Ended = Literal["ok", "error", "time", "memory", "output", "processes", "crash"]


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended."""

    ended: Ended
    """`ok`: exit code 0. `error`: another exit code. Else the limit that it met, or `crash` for a signal."""
    exit_code: int | None
    """None where it was killed."""
    output: str
    """Standard output and error as they came, cut at the limit."""
    seconds: float


@lru_cache
def open_sandbox(image: str | None = None) -> Sandbox:
    """Return the first sandbox that works here: bubblewrap, then Docker with the given image.

    Raises:
        StageError: there is none; nothing was run.

    """
    refusals: list[str] = []
    candidates: Iterable[Bubblewrap | Docker] = (Bubblewrap(), *([Docker(image)] if image else []))
    for sandbox in candidates:
        refusal = sandbox.refusal()
        if refusal is None:
            return sandbox
        refusals.append(f"{sandbox.name}: {refusal}")
    raise StageError(
        "no sandbox for the programs that answers hold, so none is run\n    "
        + "\n    ".join(refusals)
        + "\n    apt-get install bubblewrap, or start Docker; there is no switch to run them without"
    )


def sandbox_problem(key: str, image: str | None = None) -> Problem | None:
    """Return why no sandbox works here, as a problem of a config key; None where one does."""
    try:
        open_sandbox(image)
    except StageError as error:
        first, *rest = str(error).splitlines()
        return Problem(key, first, "\n".join(line.strip() for line in rest))
    return None


def run(sandbox: Sandbox, program: str, limits: Limits, name: str) -> Ran:
    """Run a Python program to its end, or to its first limit."""
    command = sandbox.command(program, limits, name)
    start = time.monotonic()
    try:
        process = subprocess.Popen(
            command.arguments,
            stdin=subprocess.PIPE if command.standard_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=command.descriptors,
            start_new_session=True,
        )
    finally:
        for descriptor in command.descriptors:
            os.close(descriptor)
    reader = _Reader(process.stdout, limits.output_bytes, process.kill)
    if process.stdin:
        with suppress(BrokenPipeError):
            process.stdin.write(command.standard_input)
            process.stdin.close()
    try:
        process.wait(limits.seconds)
        late = False
    except subprocess.TimeoutExpired:
        late = True
    process.kill()
    sandbox.end(name)
    code = process.wait()
    reader.join(1.0)
    seconds = time.monotonic() - start
    output = reader.text()
    if late:
        return Ran("time", None, output, seconds)
    if reader.too_much:
        return Ran("output", None, output, seconds)
    return Ran(_ended(code, output), code if code >= 0 else None, output, seconds)


def _ended(code: int, output: str) -> Ended:
    if code == 0:
        return "ok"
    if code in (-9, 137, 152, -24):  # SIGKILL by the kernel, SIGXCPU
        return "time" if code in (152, -24) else "memory"
    last = output.rstrip().rpartition("\n")[2]
    if last.startswith("MemoryError"):
        return "memory"
    if "can't start new thread" in last or (last.startswith("BlockingIOError") and "temporarily unavailable" in last):
        return "processes"
    return "crash" if code < 0 or code > 128 else "error"


class _Reader(threading.Thread):
    """Reads a program's output up to a limit, and ends the program past it."""

    def __init__(self, stream: IO[bytes] | None, limit: int, end: object) -> None:
        super().__init__(daemon=True)
        assert stream is not None and callable(end)
        self._stream, self._limit, self._end = stream, limit, end
        self._parts: list[bytes] = []
        self.too_much = False
        self.start()

    def run(self) -> None:
        size = 0
        while part := self._stream.read1(65_536):  # type: ignore[attr-defined]
            self._parts.append(part[: max(self._limit - size, 0)])
            size += len(part)
            if size > self._limit:
                self.too_much = True
                self._end()
                return

    def text(self) -> str:
        return b"".join(self._parts).decode("utf-8", "replace")
