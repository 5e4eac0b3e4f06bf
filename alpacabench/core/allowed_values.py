"""What a key takes, in words: for the message about a value that it does not take."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

KINDS: dict[Any, str] = {
    int: "a whole number", float: "a number", bool: "true or false", str: "a text", dict: "a mapping: {key: value}",
    type(None): "null",
}  # fmt: skip
BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def in_words(field: FieldInfo) -> str:
    """Return what a field takes, such as 'a whole number, at least 1, or null'; empty where it cannot be said."""
    kinds = list(dict.fromkeys(_kinds(field.annotation)))
    if not kinds:
        return ""
    bounds = [
        f"{word} {getattr(mark, name):g}"
        for mark in field.metadata
        for name, word in BOUNDS.items()
        if getattr(mark, name, None) is not None
    ]
    plain = [kind for kind in kinds if kind != "null"]
    return ", ".join([" or ".join(plain), *bounds]) + (", or null" if "null" in kinds else "")


def _kinds(annotation: Any) -> Iterator[str]:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        yield from map(str, parts)
    elif origin in (Union, types.UnionType):
        for part in parts:
            yield from _kinds(part)
    elif origin in (list, tuple):
        inner = " or ".join(_kinds(parts[0])) if parts else ""
        yield f"a list: [a,b]{f' of {inner}' if inner and 'text' not in inner else ''}"
    elif hasattr(annotation, "__metadata__"):
        yield from _kinds(annotation.__origin__)
    elif (origin or annotation) in KINDS:
        yield KINDS[origin or annotation]
