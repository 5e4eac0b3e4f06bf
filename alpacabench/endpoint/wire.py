"""What passes between us and a server: a request body, then a completion or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer of a server."""

    text: str
    """The text, or the arguments of the function that the model called."""
    raw: dict[str, Any]
    """The choice as the server sent it, JSON-serialisable."""
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    """The part of the prompt tokens that the provider bills as cached."""
    reasoning: str | None = None
    seconds: float = 0.0


class RefusedError(Exception):
    """The server answered with an error status."""

    def __init__(self, status: int, message: str, code: str = "", retry_after: float | None = None) -> None:
        self.status = status
        self.message = message
        self.code = code
        self.retry_after = retry_after
        """Seconds to wait, where the server says so."""
        super().__init__(f"HTTP {status}: {message}")

    @property
    def passing(self) -> bool:
        """Whether the same request can succeed later."""
        return self.status in (408, 409, 425, 429) or self.status >= 500


class BrokenError(Exception):
    """No usable answer came: a broken connection, a timeout, a body that is no completion."""

    def __init__(self, message: str, reached: bool = True) -> None:
        self.reached = reached
        """Whether the request may have been served, and billed."""
        super().__init__(message)


class Wire(Protocol):
    """One wire format, spoken with one server."""

    url: str
    """The server's base URL."""
    default_variable: str
    """The environment variable with the key for servers that are no provider's own host."""

    async def open(self) -> None:
        """Open the client."""

    async def close(self) -> None:
        """Close the client."""

    async def send(self, body: Body) -> Completion:
        """Send one request.

        Raises:
            RefusedError: the server answered with an error status.
            BrokenError: no usable answer came.

        """


def seconds_to_wait(headers: Any) -> float | None:
    """Return what the headers say of when to come back: Retry-After in seconds, in milliseconds, or as a date."""
    from email.utils import parsedate_to_datetime
    from time import time

    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if not value:
            continue
        try:
            return max(0.0, float(value) * scale)
        except ValueError:
            pass
        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - time())
        except ValueError:
            continue
    return None
