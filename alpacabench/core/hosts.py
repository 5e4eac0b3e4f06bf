"""Providers' own hosts, the environment variables with their keys, and how a URL is shown."""

from __future__ import annotations

import os
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit, urlunsplit

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
    Provider(".openai.azure.com", ("AZURE_OPENAI_API_KEY",)),
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

    A provider's own host gets its key and no other; any other server gets that of the provider whose first variable is
    `default`. White space around a key is left out: with the line break of the file that it came from, no header could
    hold it.
    """
    provider = provider_of(url) or next((p for p in PROVIDERS if p.variables[0] == default), None)
    names = provider.variables if provider else (default,)
    keys = (os.environ.get(name, "").strip() for name in names)
    return next(filter(None, keys), NO_KEY)


def key_headers(url: str, default: str) -> dict[str, str]:
    """Return the headers beside `authorization` with which a host wants its key: Azure's deployments read `api-key`."""
    provider = provider_of(url)
    return {"api-key": api_key(url, default)} if provider and provider.host == ".openai.azure.com" else {}


def split_query(url: str) -> tuple[str, dict[str, str]]:
    """Return a base URL without its query, and the query, which belongs behind the path of each request."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")), dict(parse_qsl(parts.query, True))


def public_url(url: str) -> str:
    """Return the URL without user name and password, for messages and logs."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
