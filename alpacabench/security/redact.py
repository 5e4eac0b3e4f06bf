"""Secrets never leave the environment: whatever is logged passes through here first."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar
from urllib.parse import quote

from alpacabench.security.password import hide_passwords, passwords

HIDDEN = "<redacted>"

SECRET_NAME = re.compile(
    r"(^|_)(API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|PASS|PWD|CREDENTIALS?|PAT)($|_\d+$)", re.IGNORECASE
)
"""Environment variables whose value is a secret; OPENAI_API_KEY is one, TOKENIZERS_PARALLELISM is not."""

WORKING_DIRECTORIES = ("PWD", "OLDPWD")

SHORTEST = 6
"""Shorter values are ordinary words more often than secrets, and would be cut out of every text."""

Value = TypeVar("Value")

_remembered: set[str] = set()


def secrets() -> dict[str, str]:
    """Return the secrets of the environment, by the name of their variable; a file's last newline is no part of one."""
    return {
        name: value.strip()
        for name, value in os.environ.items()
        if SECRET_NAME.search(name) and name not in WORKING_DIRECTORIES and len(value.strip()) >= SHORTEST
    }


def remember(url: str) -> None:
    """Hide the passwords of this URL from now on: they may come from a variable whose name looks like no secret."""
    _remembered.update(passwords(url))


def redact(text: str) -> str:
    """Return the text without any secret of the environment and without passwords in URLs."""
    for form in _forms(tuple(os.environ.items()), frozenset(_remembered)):
        text = text.replace(form, HIDDEN)
    return hide_passwords(text, HIDDEN)


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message; a secret may have several, so that it is cut afterwards."""
    return redact(str(error) or repr(error)).splitlines()[0]


@lru_cache(maxsize=4)
def _forms(environment: tuple[tuple[str, str], ...], remembered: frozenset[str]) -> list[str]:
    """Return every form in which a message may hold a secret, the longest first: as it is, in a repr, JSON or a URL."""
    hidden = set(secrets().values()) | remembered
    for _, value in environment:
        if "://" in value:
            hidden |= passwords(value)
    forms = {
        form
        for secret in hidden
        for form in (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], quote(secret, safe=""))
    }
    return sorted((form for form in forms if len(form) >= SHORTEST), key=len, reverse=True)


def redact_mapping(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the mapping with every value redacted."""
    return {key: redact(value) for key, value in texts.items()}


def redact_tree(value: Value) -> Value:
    """Return nested mappings and lists with every text redacted."""
    if isinstance(value, str):
        return redact(value)  # type: ignore[return-value]
    if isinstance(value, Mapping):
        return {key: redact_tree(item) for key, item in value.items()}  # type: ignore[return-value]
    if isinstance(value, list | tuple):
        return [redact_tree(item) for item in value]  # type: ignore[return-value]
    return value
