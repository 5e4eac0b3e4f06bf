"""What passes between us and a server: a request body, then a completion or the reason why there is none."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any, Protocol

from alpacabench.core.tool_calls import Called

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer of a server."""

    text: str
    """The text, or the arguments of the function that the model called."""
    raw: dict[str, Any]
    """The choice as the server sent it, JSON-serialisable."""
    finish_reason: str
    """'stop', 'length', or the server's word for an ending after which there is no answer."""
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    """The part of the prompt tokens that the provider bills as cached."""
    reasoning: str | None = None
    seconds: float = 0.0
    served: dict[str, str] = field(default_factory=dict)
    """What the server calls its `model` and its `system_fingerprint`, where it says so."""
    calls: tuple[Called, ...] = ()
    """Calls of the tools that the model was offered (`offers_tools`); the text is then what is said beside them."""


def offers_tools(body: Body) -> bool:
    """Return whether a request leaves it to the model to call tools; a judge's names the one that it must call."""
    return body.get("tool_choice") == "auto"


_AGAIN = re.compile(
    r"(?:again|retry) (?:in|after) (\d[\d.]* ?[a-z]+(?:[ ,]*(?:and )?\d[\d.]* ?[a-z]+){0,3})", re.IGNORECASE
)
_TIME = re.compile(r"(\d+(?:\.\d+)?) ?(ms|[smhd])", re.IGNORECASE)
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def wait_in_words(message: str) -> float | None:
    """Return the seconds of "try again in 6h3m0.5s" or "retry after 26 seconds"; None where nothing like it is said."""
    found = _AGAIN.search(message)
    times = _TIME.findall(found[1]) if found else []
    return sum(float(number[:12]) * UNITS[unit.lower()] for number, unit in times) if times else None


class RefusedError(Exception):
    """The server answered with an error status."""

    def __init__(
        self, status: int, message: str, code: str = "", retry_after: float | None = None, sent: int | None = None
    ) -> None:
        self.status = status
        self.message = message
        self.code = code
        self.retry_after = wait_in_words(message) if retry_after is None else retry_after
        """Seconds to wait, where the server says so, in a header or in its words."""
        self.sent = status if sent is None else sent
        """The status of the reply, where the error's own stands in its body."""
        within = "" if self.sent == status else f" with an error {status}"
        super().__init__(f"HTTP {self.sent}{within}: {message}")

    @property
    def limited(self) -> bool:
        """Whether requests come too fast."""
        return self.status == 429

    @property
    def passing(self) -> bool:
        """Whether the same request can succeed later."""
        return self.status in (408, 409, 425, 429) or self.status >= 500


class UnfinishedError(ValueError):
    """The server ended an answer before it was whole, for a reason other than its length."""

    def __init__(self, reason: str) -> None:
        self.passing = reason not in OWN_ENDINGS
        """Whether the same request can succeed later."""
        super().__init__(f"the server ended the answer with '{reason}', so it is none")


OWN_ENDINGS = (
    "content_filter",
    "safety",
    "refusal",
    "recitation",
    "prohibited_content",
    "blocklist",
    "spii",
    "sensitive",
)
"""Endings that a prompt has again when it is asked again."""


def whole(completion: Completion) -> Completion:
    """Return a completion that is an answer, whole or cut at its length.

    Raises:
        UnfinishedError: it ended otherwise.

    """
    if completion.finish_reason not in ("stop", "length"):
        raise UnfinishedError(completion.finish_reason)
    return completion


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


SERVED_LENGTH = 200
"""Characters of a server's name for its model that are kept."""


def served(body: Any) -> dict[str, str]:
    """Return what a reply says of the model that made it."""
    found = {name: body.get(name) for name in ("model", "system_fingerprint")}
    return {name: value[:SERVED_LENGTH] for name, value in found.items() if isinstance(value, str) and value}


def seconds_to_wait(headers: Any) -> float | None:
    """Return what the headers say of when to come back: Retry-After in seconds, in milliseconds, or as a date.

    What is no time (inf, NaN) says nothing.
    """
    from email.utils import parsedate_to_datetime
    from time import time

    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if not value:
            continue
        try:
            seconds = float(value) * scale
        except ValueError:
            try:
                seconds = parsedate_to_datetime(value).timestamp() - time()
            except (ValueError, TypeError, OverflowError):
                continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    return None
