"""Secrets never leave the environment: whatever is logged passes through here first."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TypeVar

from alpacabench.password import LITERAL_PASSWORD

HIDDEN = "<redacted>"

SECRET_NAME = re.compile(
    r"(^|_)(API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|PASS|PWD|CREDENTIALS?|PAT)($|_\d+$)", re.IGNORECASE
)
"""Environment variables whose value is a secret; OPENAI_API_KEY is one, TOKENIZERS_PARALLELISM is not."""

WORKING_DIRECTORIES = ("PWD", "OLDPWD")

SHORTEST = 6
"""Shorter values are ordinary words more often than secrets, and would be cut out of every text."""

Value = TypeVar("Value")


def secrets() -> dict[str, str]:
    """Return the secrets of the environment, by the name of their variable."""
    return {
        name: value
        for name, value in os.environ.items()
        if SECRET_NAME.search(name) and name not in WORKING_DIRECTORIES and len(value) >= SHORTEST
    }


def redact(text: str) -> str:
    """Return the text without any secret of the environment and without passwords in URLs."""
    for value in sorted(secrets().values(), key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    return LITERAL_PASSWORD.sub(rf"\1{HIDDEN}@", text)


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
