"""A small HTTP server on loopback with latency, a rate limit and faults, which counts what it sees."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Faults:
    """Shares of the requests that go wrong."""

    refused: float = 0.0
    retry_after: str | None = "0.2"
    server_error: float = 0.0
    dropped: float = 0.0
    garbage: float = 0.0
    seed: int = 0


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    data: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def body(self) -> dict[str, Any]:
        return json.loads(self.data)


@dataclass
class Response:
    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def error(status: int, message: str, code: str = "", **headers: str) -> Response:
    return Response({"error": {"message": message, "type": "error", "code": code}}, status, headers)


class HttpServer:
    """Use it as a context manager; `handle` answers a request."""

    def __init__(
        self,
        handle: Callable[[Request], Response],
        latency: float = 0.0,
        rate: int | None = None,
        faults: Faults | None = None,
        key: str | None = None,
        port: int = 0,
    ) -> None:
        self.handle, self.latency, self.rate, self.faults, self.key, self.port = (
            handle,
            latency,
            rate,
            faults,
            key,
            port,
        )
        self.requests: list[Request] = []
        self.statuses: Counter[int | str] = Counter()
        self.answered_at: list[float] = []
        self.in_flight = self.max_in_flight = 0
        self._random = random.Random(faults.seed if faults else 0)
        self._window: deque[float] = deque()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> HttpServer:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_error: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def serve_forever(self) -> None:
        with self:
            print(self.url, flush=True)
            self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=1024))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await _read(reader):
                self.requests.append(request)
                self.in_flight += 1
                self.max_in_flight = max(self.max_in_flight, self.in_flight)
                try:
                    response = self._refuse(request) or self._fault()
                    if response is None:
                        await asyncio.sleep(self.latency)
                        response = self.handle(request)
                finally:
                    self.in_flight -= 1
                self.statuses["dropped" if response == "dropped" else response.status] += 1
                if response == "dropped":
                    return
                self.answered_at.append(time.monotonic())
                await _write(writer, response)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _refuse(self, request: Request) -> Response | None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ") or request.headers.get("x-api-key")
        if self.key and given != self.key:
            return error(401, "no valid key was given", "invalid_api_key")
        if self.rate is None:
            return None
        now = time.monotonic()
        while self._window and self._window[0] <= now - 1.0:
            self._window.popleft()
        if len(self._window) >= self.rate:
            return error(429, "rate limit reached", "rate_limit_exceeded", **{"retry-after": "1"})
        self._window.append(now)
        return None

    def _fault(self) -> Any:
        if not self.faults:
            return None
        draw, f = self._random.random(), self.faults
        if draw < f.refused:
            wait = {} if f.retry_after is None else {"retry-after": f.retry_after}
            return error(429, "slow down", "rate_limit_exceeded", **wait)
        draw -= f.refused
        if draw < f.server_error:
            return error(500, "something broke")
        draw -= f.server_error
        if draw < f.dropped:
            return "dropped"
        draw -= f.dropped
        return Response("<html>not what you wanted</html>") if draw < f.garbage else None


async def _read(reader: asyncio.StreamReader) -> Request | None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, path, _version = first.split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    data = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method, path, headers, data)


async def _write(writer: asyncio.StreamWriter, response: Response) -> None:
    data = response.body.encode() if isinstance(response.body, str) else json.dumps(response.body).encode()
    headers = {"content-type": "application/json", "content-length": str(len(data)), "x-request-id": "fake"}
    lines = [f"HTTP/1.1 {response.status} X", *(f"{k}: {v}" for k, v in (headers | response.headers).items())]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
    await writer.drain()
