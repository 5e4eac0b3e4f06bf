"""The source of a class that is not ours: what its answers are known by, so that edited code never meets old ones."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from functools import cache
from types import CodeType, FunctionType
from typing import Any

from alpacabench.core.records import digest

OURS = "alpacabench."
_CONSTANTS = (str, bytes, int, float, tuple, list, dict, set, frozenset)


@cache
def foreign_source(cls: type) -> str | None:
    """Return a digest of the class's code where it, or a class that it inherits from, is not ours; None for ours.

    It covers those classes, and the functions, classes and constants of their modules that they use, and so on: an
    edit elsewhere in the module changes nothing.
    """
    foreign = [base for base in cls.__mro__ if _is_foreign(base)]
    if not foreign:
        return None
    found: dict[str, str] = {}
    for base in foreign:
        _collect(base, found)
    return digest(found)


def _is_foreign(cls: type) -> bool:
    package = cls.__module__.partition(".")[0]
    return not cls.__module__.startswith(OURS) and package not in ("builtins", "abc", "typing", "pydantic")


def _collect(thing: type | FunctionType, found: dict[str, str]) -> None:
    """Add the text of a class or function, and of what it uses of its own module."""
    name = f"{thing.__module__}.{thing.__qualname__}"
    if name in found:
        return
    found[name] = _text(thing)
    module = vars(sys.modules.get(thing.__module__, object))
    for used in sorted(set(_names(thing))):
        value = module.get(used)
        if isinstance(value, type | FunctionType) and value.__module__ == thing.__module__:
            _collect(value, found)
        elif isinstance(value, _CONSTANTS):
            found[f"{thing.__module__}.{used}"] = repr(sorted(value, key=repr) if isinstance(value, set) else value)


def _text(thing: type | FunctionType) -> str:
    """Return the source text; without a file (typed into an interpreter) the compiled code stands in."""
    try:
        return inspect.getsource(thing)
    except (OSError, TypeError):
        return repr([(code.co_code.hex(), _plain(code.co_consts), code.co_names) for code in _codes(thing)])


def _plain(constants: tuple[Any, ...]) -> list[str]:
    return [repr(constant) for constant in constants if not isinstance(constant, CodeType)]


def _names(thing: type | FunctionType) -> Iterator[str]:
    for code in _codes(thing):
        yield from code.co_names


def _codes(thing: type | FunctionType) -> Iterator[CodeType]:
    """Yield the compiled code of a function, or of every function of a class, inner ones included."""
    members = [thing] if isinstance(thing, FunctionType) else vars(thing).values()
    pending = [code for member in members if isinstance(code := _code(member), CodeType)]
    while pending:
        code = pending.pop()
        yield code
        pending += [constant for constant in code.co_consts if isinstance(constant, CodeType)]


def _code(member: Any) -> Any:
    """Return a function's code; properties, class and static methods and pydantic's validators hold the function."""
    for name in ("fget", "__func__", "wrapped"):
        member = getattr(member, name, member)
    return None if isinstance(member, type) else getattr(member, "__code__", None)
