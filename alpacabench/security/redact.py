"""Secrets never leave the environment: whatever is shown, logged, written or sent to MLflow passes through here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from alpacabench.security.forms import LONG, forms, longest_match
from alpacabench.security.names import holds_secret
from alpacabench.security.password import hide_passwords, passwords

HIDDEN = "<redacted>"

SHORTEST = 6
"""Shorter values are ordinary words more often than secrets, and would be cut out of every text."""

DEEPEST = 100
"""Levels of nested values; what lies deeper is left out: whoever sent it wanted the reader to fail."""

Value = TypeVar("Value")

_remembered: set[str] = set()
_personal: set[str] = set()


def secrets() -> dict[str, str]:
    """Return the secrets of the environment, by the name of their variable; a file's last newline is no part of one."""
    return {
        name: value.strip()
        for name, value in os.environ.items()
        if len(value.strip()) >= SHORTEST and holds_secret(name, value.strip())
    }


def remember(url: str) -> None:
    """Hide the passwords of this URL from now on: they may come from a variable whose name looks like no secret."""
    _remembered.update(passwords(url))


def remember_values(values: set[str]) -> None:
    """Hide these values from now on: what a variable puts into a URL."""
    _remembered.update(value for value in values if len(value) >= SHORTEST)


def hide_in_log(values: Iterable[str]) -> None:
    """Hide these values of somebody's texts from now on in what is logged and printed; files mask them themselves."""
    _personal.update(value for value in values if len(value) >= SHORTEST)


def redact(text: str) -> str:
    """Return the text without any secret of the environment, in whatever form, and without passwords in URLs."""
    return _redacted(text, _known(_environment(), frozenset(_remembered)))


def redact_answers(text: str) -> str:
    """Return prompts and answers without any secret but one that is an ordinary word: an answer may well speak of it.

    URLs stay as they are: a prompt may ask what is wrong with one.
    """
    return _without(text, _known(_environment(), frozenset(_remembered), words=False))


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message; a secret may have several, so that it is cut afterwards."""
    return (redact(str(error) or repr(error)).splitlines() or [""])[0]


def redact_mapping(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the mapping with every value redacted."""
    return {key: redact(value) for key, value in texts.items()}


def redact_tree(value: Value) -> Value:
    """Return nested mappings and lists with every text redacted, the keys included."""
    return _tree(value, _known(_environment(), frozenset(_remembered)), 0)  # type: ignore[no-any-return]


def _tree(value: Any, known: _Known, depth: int) -> Any:
    if isinstance(value, str):
        return _redacted(value, known)
    if not isinstance(value, Mapping | list | tuple):
        return value
    if depth >= DEEPEST:
        return "<nested too deeply>"
    if isinstance(value, Mapping):
        items = value.items()
        return {_redacted(k, known) if isinstance(k, str) else k: _tree(item, known, depth + 1) for k, item in items}
    return [_tree(item, known, depth + 1) for item in value]


class _Known:
    """What is hidden: every form of every secret, the longest first, and the secrets of which a part tells enough."""

    def __init__(self, values: set[str]) -> None:
        found = {form for value in values for form in forms(value) if len(form) >= SHORTEST}
        self.forms = sorted(found, key=lambda form: (-len(form), form))
        self.long = sorted(value for value in values if len(value) >= LONG)


def _environment() -> tuple[Any, ...]:
    """Return what changes with the environment; raw where Python shows that, since decoding it is most of the work."""
    return tuple(getattr(os.environ, "_data", os.environ).items())


@lru_cache(maxsize=4)
def _known(environment: tuple[Any, ...], remembered: frozenset[str], words: bool = True) -> _Known:
    values = set(secrets().values()) | remembered
    for value in os.environ.values():
        if "://" in value:
            values |= passwords(value)
    return _Known({value for value in values if words or len(value) >= LONG or not value.isalpha()})


def _redacted(text: str, known: _Known) -> str:
    for value in _personal:
        text = text.replace(value, HIDDEN)
    return hide_passwords(_without(text, known), HIDDEN)


def _without(text: str, known: _Known) -> str:
    for form in known.forms:
        text = text.replace(form, HIDDEN)
    for secret in known.long:
        for start, end in longest_match(text, secret):
            text = text[:start] + HIDDEN + text[end:]
    return text
