"""The server of an API: whether its URL can be used, and the wire to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Literal
from urllib.parse import unquote, urlsplit

from alpacabench.core.errors import Problem
from alpacabench.core.hosts import NO_KEY, api_key, key_variable, provider_of
from alpacabench.endpoint.anthropic_wire import AnthropicWire
from alpacabench.endpoint.openai_wire import OpenAIWire
from alpacabench.endpoint.wire import Wire

WireFormat = Literal["openai", "anthropic"]
OWN_HOST: dict[WireFormat, str] = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com"}


def check_url(group: str, url: str, default: str) -> Iterator[Problem]:
    """Yield what is wrong with a base URL: its form, a literal password, a missing key at the provider's own host."""
    where = f"{group}.base_url"
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not valid:
        yield Problem(
            where,
            f"given '{url.rpartition('@')[2]}', which is no URL of a server",
            "for example http://127.0.0.1:8000/v1",
        )
        return
    password = unquote(parts.password or "")
    if password and password not in os.environ.values():
        yield Problem(
            where,
            f"the URL of {parts.hostname} holds a literal password",
            "secrets come from the environment only: write ${oc.env:VAR} in its place and set VAR",
        )
    key = api_key(url, default)
    if not (key.isascii() and key.isprintable()):
        yield Problem(
            key_variable(url, default),
            "holds a line break or another character that no request can carry",
            "set it to the key alone; nothing was sent",
        )
    if provider_of(url) and key == NO_KEY:
        yield Problem(
            where,
            f"{parts.hostname} needs a key, and {key_variable(url, default)} is not set",
            f"export {key_variable(url, default)}=..., or name another server with {where}=http://HOST:PORT/v1",
        )


def open_wire(wire_format: WireFormat, url: str, timeout: float, variable: str | None = None) -> Wire:
    """Return the wire to a server; no connection is made yet.

    Args:
        wire_format: of its API.
        url: its base URL.
        timeout: seconds that one request may take.
        variable: the environment variable with the key for a server that is no provider's own host; None is the wire
            format's own.

    """
    return (AnthropicWire if wire_format == "anthropic" else OpenAIWire)(url, timeout, variable)
