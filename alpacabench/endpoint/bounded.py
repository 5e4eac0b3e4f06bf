"""A client that reads a body up to a limit: a server may send one without an end, or 1 GB that was 1 MB compressed."""

from __future__ import annotations

from typing import Any

from alpacabench.endpoint.wire import BrokenError

MOST_BYTES = 16 * 1024 * 1024
"""Of one body, decompressed; 4096 tokens with 20 log probabilities each are half of it."""


def bounded(client: type[Any], **options: Any) -> Any:
    """Return a client of an SDK's own kind whose `send` reads no more than `MOST_BYTES`, and follows no redirect.

    A redirect would carry the key to wherever the server says.

    Args:
        client: the SDK's `DefaultAsyncHttpxClient`.
        options: of the client.

    """

    class Bounded(client):  # type: ignore[misc]
        async def send(self, request: Any, *, stream: bool = False, **options: Any) -> Any:
            response = await super().send(request, stream=True, **options)
            try:
                content = await _read(response)
            finally:
                await response.aclose()
            kept = [(k, v) for k, v in response.headers.multi_items() if k.lower() not in ENCODING]
            return type(response)(response.status_code, headers=kept, content=content, request=response.request)

    return Bounded(follow_redirects=False, **options)


ENCODING = ("content-encoding", "content-length", "transfer-encoding")
"""Headers of a body as it was sent, not as it is read."""


async def _read(response: Any) -> bytes:
    parts, size = [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MOST_BYTES:
            raise BrokenError(f"the answer is longer than {MOST_BYTES // 2**20} MB: it is no completion")
        parts.append(part)
    return b"".join(parts)
