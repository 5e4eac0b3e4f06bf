"""What one call of alpacabench owns, in one object: models that are up, what is sampled, how its sweep ended.

A way in opens a context, and what it holds ends with it. A process that a launcher started, and Python code that opens
none, have one that ends with the process. A room keeps what it owns in a class of its own and asks for it by the class;
what holds for a block only (who pays, the stage in progress) is given for that block. No module has other such state.
"""

from __future__ import annotations

import atexit
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

Kind = TypeVar("Kind")


class Context:
    """One call of alpacabench."""

    def __init__(self) -> None:
        self._directory: Path | None = None
        self._owned: dict[type, Any] = {}
        self._lock = RLock()

    @property
    def directory(self) -> Path:
        """The directory that the command was called in; Hydra and launchers may leave it for another."""
        return self._directory or Path.cwd()

    @directory.setter
    def directory(self, directory: Path) -> None:
        self._directory = directory

    def owned(self, kind: type[Kind]) -> Kind:
        """Return the context's one object of a class, made when it is first asked for."""
        with self._lock:
            if kind not in self._owned:
                self._owned[kind] = kind()
            found: Kind = self._owned[kind]
            return found

    def close(self) -> None:
        """End everything that has a `close()`, the youngest first."""
        while self._owned:
            _, owned = self._owned.popitem()
            if hasattr(owned, "close"):
                owned.close()


_process = Context()
atexit.register(_process.close)
_current: ContextVar[Context] = ContextVar("context", default=_process)
_given: ContextVar[Mapping[type, Any]] = ContextVar("given")


@contextmanager
def opened() -> Iterator[Context]:
    """Open a context for one call, and end what it holds when the block ends."""
    context = Context()
    context.directory = Path.cwd()
    token = _current.set(context)
    try:
        yield context
    finally:
        context.close()
        _current.reset(token)


def current() -> Context:
    """Return the context of this call. A thread has it where it is started by `contextvars.copy_context().run`."""
    return _current.get()


def owned(kind: type[Kind]) -> Kind:
    """Return the current context's one object of a class."""
    return current().owned(kind)


@contextmanager
def given(value: object, kind: type | None = None) -> Iterator[None]:
    """Let `find(kind)`, by default `find(type(value))`, return the value inside the block."""
    token = _given.set({**_given.get({}), kind or type(value): value})
    try:
        yield
    finally:
        _given.reset(token)


def find(kind: type[Kind]) -> Kind | None:
    """Return what was given for the innermost block; None where nothing was."""
    found: Kind | None = _given.get({}).get(kind)
    return found
