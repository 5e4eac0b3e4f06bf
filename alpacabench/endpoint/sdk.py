"""What the openai and the anthropic SDK have in common: one client for a server, and errors of the same names."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Mapping
from types import ModuleType
from typing import Any, NamedTuple

from alpacabench.core.hosts import api_key, key_headers, key_variable, public_url, split_query
from alpacabench.endpoint.body import detail
from alpacabench.endpoint.bounded import bounded
from alpacabench.endpoint.wire import BrokenError, RefusedError, seconds_to_wait
from alpacabench.security.redact import HIDDEN, redact, secrets

log = logging.getLogger(__name__)


ACCOUNT = ("OpenAI-Organization", "OpenAI-Project")


class Received(NamedTuple):
    """A response with status 200: its body, and how long it took."""

    text: str
    seconds: float


class SdkWire:
    """One server through an SDK: `open` of each wire format makes the client."""

    default_variable: str

    def __init__(self, url: str, timeout: float, variable: str | None = None) -> None:
        """Name the server; `variable` holds the key of whose server it is, where it is no provider's own host."""
        self.url = url
        self.timeout = timeout
        self.default_variable = variable or self.default_variable
        self._client: Any = None

    def client(self, sdk: ModuleType, client: type[Any], url: str) -> Any:
        """Return a client of the SDK for this server; a query of its URL goes with each request."""
        address, query = split_query(url)
        return client(
            base_url=address,
            default_query=query,
            api_key=api_key(self.url, self.default_variable),
            default_headers=key_headers(self.url, self.default_variable) | self._kept_back(sdk),
            max_retries=0,
            timeout=self.timeout,
            http_client=bounded(sdk.DefaultAsyncHttpxClient),
        )

    def _kept_back(self, sdk: ModuleType) -> dict[str, Any]:
        """Return the headers that an SDK takes from the environment, left out where another provider has the server."""
        own = type(self).default_variable
        if key_variable(self.url, self.default_variable) == own:
            return {}
        lines = os.environ.get(own.replace("_API_KEY", "_CUSTOM_HEADERS"), "").splitlines()
        named = [line.partition(":")[0].strip() for line in lines if ":" in line]
        return {name: sdk.Omit() for name in (*ACCOUNT, *named)}

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
        # The SDK's own timeout is of each read: a server that sends a byte now and then would never meet it.
        async with asyncio.timeout(timeout):
            response = (await sent).http_response
        text = without_key(text_of(response), response.request.headers)
    except sdk.APIStatusError as error:
        said = detail(error.body)
        message, field = redact(str(said.get("message") or error.message))[:500], said.get("param")
        if isinstance(field, str) and field not in message:
            message = f"{message} ({redact(field)[:100]})"
        if 300 <= error.status_code < 400:
            target = public_url(error.response.headers.get("location", "nowhere"))
            message = (
                f"a redirect to {target}, which is not followed: name that server in base_url if it is the right one"
            )
        log.debug("request %s: HTTP %d %s", error.request_id, error.status_code, message)
        code, wait = str(said.get("code") or said.get("type") or ""), seconds_to_wait(error.response.headers)
        raise RefusedError(error.status_code, message, code, wait) from None
    except (sdk.APITimeoutError, TimeoutError):
        raise BrokenError(f"no answer within {timeout:.0f} s") from None
    except sdk.APIConnectionError as error:
        cause = error.__cause__
        reached = "connect" not in type(cause).__name__.lower()
        raise BrokenError(redact(f"connection failed: {cause or error}")[:300], reached=reached) from None
    seconds = time.monotonic() - start
    headers = response.headers
    log.debug("request %s: %.3f s", headers.get("x-request-id") or headers.get("request-id"), seconds)
    return Received(text, seconds)


def text_of(response: Any) -> str:
    """Return the body as text; JSON is UTF-8 unless the headers say otherwise.

    Raises:
        BrokenError: it is none: letters would be lost.

    """
    try:
        return str(response.content.decode(response.charset_encoding or "utf-8-sig"))
    except (UnicodeDecodeError, LookupError):
        raise BrokenError(f"the answer is no text in UTF-8: {response.content[:100]!r}") from None


def without_key(text: str, headers: Mapping[str, str]) -> str:
    """Return what a server answered without the key that it was sent: a proxy that is being debugged may echo it.

    Nothing else is replaced: an answer may well speak of what a variable of this environment happens to hold.
    """
    sent = " ".join(headers.values())
    for key in secrets().values():
        if key in sent:
            text = text.replace(key, HIDDEN)
    return text
