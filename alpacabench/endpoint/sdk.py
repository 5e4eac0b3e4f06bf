"""What the openai and the anthropic SDK have in common: one client for a server, and errors of the same names."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Awaitable, Mapping
from types import ModuleType
from typing import Any, NamedTuple

from alpacabench.endpoint.wire import BrokenError, RefusedError, seconds_to_wait
from alpacabench.security.redact import HIDDEN, redact, secrets

log = logging.getLogger(__name__)


class Received(NamedTuple):
    """A response with status 200: its body, and how long it took."""

    text: str
    seconds: float


class SdkWire:
    """One server through an SDK: `open` of each wire format makes the client."""

    def __init__(self, url: str, timeout: float) -> None:
        self.url = url
        self.timeout = timeout
        self._client: Any = None

    async def close(self) -> None:
        """Close the client."""
        if self._client:
            await self._client.close()


async def receive(sdk: ModuleType, sent: Awaitable[Any], timeout: float) -> Received:
    """Await a raw response.

    Args:
        sdk: the module that the client belongs to.
        sent: what one of its `with_raw_response` methods returned.
        timeout: in seconds, for the message.

    Raises:
        RefusedError: the server answered with an error status.
        BrokenError: no answer came.

    """
    start = time.monotonic()
    try:
        response = (await sent).http_response
        text = without_key(response.text, response.request.headers)
    except sdk.APIStatusError as error:
        detail = _detail(error.body)
        message = redact(str(detail.get("message") or error.message))[:500]
        log.debug("request %s: HTTP %d %s", error.request_id, error.status_code, message)
        code, wait = str(detail.get("code") or detail.get("type") or ""), seconds_to_wait(error.response.headers)
        raise RefusedError(error.status_code, message, code, wait) from None
    except sdk.APITimeoutError:
        raise BrokenError(f"no answer within {timeout:.0f} s") from None
    except sdk.APIConnectionError as error:
        cause = error.__cause__
        reached = "connect" not in type(cause).__name__.lower()
        raise BrokenError(redact(f"connection failed: {cause or error}")[:300], reached=reached) from None
    except UnicodeDecodeError:
        raise BrokenError("the answer is no text") from None
    seconds = time.monotonic() - start
    headers = response.headers
    log.debug("request %s: %.3f s", headers.get("x-request-id") or headers.get("request-id"), seconds)
    return Received(text, seconds)


def without_key(text: str, headers: Mapping[str, str]) -> str:
    """Return what a server answered without the key that it was sent: a proxy that is being debugged may echo it.

    Nothing else is replaced: an answer may well speak of what a variable of this environment happens to hold.
    """
    sent = " ".join(headers.values())
    for key in secrets().values():
        if key in sent:
            text = text.replace(key, HIDDEN)
    return text


def _detail(body: object) -> dict[str, Any]:
    """Return what an error body says: Gemini puts it in a list, FastAPI under `detail`, Ollama's error is a text."""
    body = body[0] if isinstance(body, list) and body else body
    if isinstance(body, str):
        return {"message": body}
    if not isinstance(body, dict):
        return {}
    inner = body.get("error") or body.get("detail")
    if isinstance(inner, dict):
        return inner
    return body | {"message": inner if isinstance(inner, str) else json.dumps(inner)} if inner else body
