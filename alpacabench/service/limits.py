"""What one client may cost the server before it is known: bytes of a request, and seconds to send it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_BYTES = 1_000_000
SECONDS = 10.0
"""For the headers of a request, and for each part of its body."""
LINGER_SECONDS = 30.0
"""How long what a refused client still sends is read and dropped: a connection that is closed earlier is reset, and the
client may never see why (RFC 9112, section 9.6)."""
SILENT_SECONDS = 5.0
"""Without anything from it the client has read the answer, or is gone."""

Message = MutableMapping[str, Any]


class Limits:
    """An ASGI application around another one, which sees only requests whose bodies are small and come in time."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        """Read the body, refuse one that is too large or too slow, and hand the rest on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            body = await _body(dict(scope["headers"]), receive)
        except TimeoutError:
            await _refuse(send, 408, f"the request did not come within {SECONDS:g} s")
            return
        if body is None:
            await _refuse(send, 413, f"a request may have {MOST_BYTES} bytes", receive)
            return
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return waiting.pop() if waiting else await receive()

        await self.app(scope, replay, send)


async def _body(headers: dict[bytes, bytes], receive: Any) -> bytes | None:
    """Return the body of a request; None where it is too large."""
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > MOST_BYTES:
        return None
    body = bytearray()
    async with asyncio.timeout(3 * SECONDS):
        while True:
            message = await asyncio.wait_for(receive(), SECONDS)
            body += message.get("body", b"")
            if len(body) > MOST_BYTES:
                return None
            if not message.get("more_body", False):
                return bytes(body)


async def _refuse(send: Any, status: int, why: str, receive: Any = None) -> None:
    """Answer and close; where the client is still sending, what `receive` gives is dropped for a while before."""
    body = json.dumps({"detail": why}).encode()
    headers = [
        (b"content-type", b"application/json"), (b"connection", b"close"),
        (b"content-length", str(len(body)).encode()),
    ]  # fmt: skip
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    if receive is not None:
        with suppress(TimeoutError):
            await _drop(receive)
    await send({"type": "http.response.body", "body": b""})


async def _drop(receive: Any) -> None:
    async with asyncio.timeout(LINGER_SECONDS):
        more = True
        while more:
            message = await asyncio.wait_for(receive(), SILENT_SECONDS)
            more = message["type"] == "http.request" and message.get("more_body", False)


class Protocol(H11Protocol):
    """HTTP/1.1 with a limit to the time that the headers of a connection's first request may take."""

    def connection_made(self, transport: Any) -> None:
        """Begin to wait."""
        super().connection_made(transport)
        self.loop.call_later(SECONDS, self._close_silent)

    def _close_silent(self) -> None:
        if self.cycle is None and not self.transport.is_closing():
            self.transport.close()
