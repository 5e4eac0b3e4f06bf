"""Providers' own hosts, the environment variables with their keys, and how a URL is shown."""

from __future__ import annotations

import os
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

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


def public_url(url: str) -> str:
    """Return the URL without user name and password, for messages and logs."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
