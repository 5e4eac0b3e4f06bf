"""What happens to a job, as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from alpacabench.service.messages import State
from alpacabench.service.queue import ENDED

LOOK_SECONDS = 0.5
SILENT_SECONDS = 15.0
"""After so long without news a comment is sent, so that proxies keep the connection."""
MOST_BYTES = 65_536
"""Of a log in one event."""


async def follow(state: Callable[[], State], log: Path, offset: int) -> AsyncIterator[str]:
    """Yield `status` when it changes, `log` with new whole lines (its id is the offset in the log), and `end` at last.

    Args:
        state: looks how the job stands.
        log: the file with what its command says; it may not be there yet.
        offset: how much of it the client has.

    """
    told, silent = "", 0.0
    while True:
        now = await asyncio.to_thread(state)
        lines, offset = await asyncio.to_thread(_new_lines, log, offset, now.status in ENDED)
        if now.status != told:
            told = now.status
            yield f"event: status\ndata: {now.model_dump_json(include={'id', 'status'})}\n\n"
        if lines:
            data = "".join(f"data: {line}\n" for line in lines.splitlines())
            yield f"id: {offset}\nevent: log\n{data}\n"
        if now.status in ENDED and not lines:
            yield f"event: end\ndata: {now.model_dump_json()}\n\n"
            return
        silent = 0.0 if lines else silent + LOOK_SECONDS
        if silent >= SILENT_SECONDS:
            silent = 0.0
            yield ": still here\n\n"
        if not lines:
            await asyncio.sleep(LOOK_SECONDS)


def _new_lines(log: Path, offset: int, ended: bool) -> tuple[str, int]:
    """Return the whole lines after an offset, and the offset behind them; at the end also one that is not whole."""
    try:
        with log.open("rb") as file:
            # A job that is run again begins its log anew.
            offset = offset if offset <= file.seek(0, 2) else 0
            file.seek(offset)
            content = file.read(MOST_BYTES)
    except OSError:
        return "", offset
    whole = content if ended or len(content) == MOST_BYTES else content[: content.rfind(b"\n") + 1]
    return whole.decode("utf-8", errors="replace"), offset + len(whole)
