"""Who serves an API: its own host, the environment variable with its key, and how a URL is shown."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Literal, NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

from alpacabench.core.errors import Problem
from alpacabench.endpoint.wire import Wire

WireFormat = Literal["openai", "anthropic"]
OWN_HOST: dict[WireFormat, str] = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com"}

NO_KEY = "none"
"""Sent where no key is set: local servers ask for none, and the SDKs insist on a value."""


class Provider(NamedTuple):
    """One provider of models over HTTP."""

    host: str
    """Its own host; a leading dot stands for all hosts under it."""
    variables: tuple[str, ...]
    """Environment variables that may hold its key; the first one is named in messages."""


PROVIDERS = (
    Provider("api.openai.com", ("OPENAI_API_KEY",)),
    Provider(".openai.azure.com", ("AZURE_OPENAI_API_KEY", "OPENAI_API_KEY")),
    Provider("api.anthropic.com", ("ANTHROPIC_API_KEY",)),
    Provider("generativelanguage.googleapis.com", ("GEMINI_API_KEY", "GOOGLE_API_KEY")),
    Provider("api.mistral.ai", ("MISTRAL_API_KEY",)),
    Provider("api.together.xyz", ("TOGETHER_API_KEY",)),
    Provider("api.deepseek.com", ("DEEPSEEK_API_KEY",)),
    Provider("openrouter.ai", ("OPENROUTER_API_KEY",)),
    Provider("api.groq.com", ("GROQ_API_KEY",)),
)


def provider_of(url: str) -> Provider | None:
    """Return the provider whose own host the URL names; None for any other server."""
    host = urlsplit(url).hostname or ""
    return next((p for p in PROVIDERS if host == p.host or (p.host[0] == "." and host.endswith(p.host))), None)


def key_variable(url: str, default: str) -> str:
    """Return the environment variable that holds the key for a URL."""
    provider = provider_of(url)
    return provider.variables[0] if provider else default


def api_key(url: str, default: str) -> str:
    """Return the key for a URL from the environment; `NO_KEY` where none is set.

    White space around it is left out: with the line break of the file that it came from, no header could hold it.
    """
    provider = provider_of(url)
    names = provider.variables if provider else (default,)
    keys = (os.environ.get(name, "").strip() for name in names)
    return next(filter(None, keys), NO_KEY)


def shown(url: str) -> str:
    """Return the URL without user name and password, for messages and logs."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


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
    if provider_of(url) and api_key(url, default) == NO_KEY:
        yield Problem(
            where,
            f"{parts.hostname} needs a key, and {key_variable(url, default)} is not set",
            f"export {key_variable(url, default)}=..., or name another server with {where}=http://HOST:PORT/v1",
        )


def open_wire(wire_format: WireFormat, url: str, timeout: float) -> Wire:
    """Return the wire to a server; no connection is made yet."""
    from alpacabench.endpoint.anthropic_wire import AnthropicWire
    from alpacabench.endpoint.openai_wire import OpenAIWire

    return AnthropicWire(url, timeout) if wire_format == "anthropic" else OpenAIWire(url, timeout)
