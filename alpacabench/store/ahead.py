"""What is asked before the jobs ask for it: each answer belongs to the first job that reads it.

A job then reports what it would report had it asked itself: what was asked for it, how long that took, what failed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from alpacabench.core.context import find, owned
from alpacabench.store.payload import Kind


@dataclass
class Ahead:
    """A part of the call's context; a block in which it is given asks ahead."""

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """What asking took for the answers that jobs have read so far, by kind."""
    loads: int = 0
    """How many models were loaded for them."""
    _asked: dict[tuple[str, str], float] = field(default_factory=dict)
    """Seconds for each answer, by kind and key, that no job has read yet."""
    _failed: dict[tuple[str, str], Any] = field(default_factory=dict)
    _loads: dict[tuple[str, str], int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def note(self, kind: Kind, asked: Collection[str], failed: Mapping[str, Any], seconds: float) -> None:
        """Note the keys that were asked, the replies that are failures, and the seconds that all of it took."""
        with self._lock:
            share = seconds / max(1, len(asked))
            self._asked |= {(kind, key): share for key in asked}
            self._failed |= {(kind, key): reply for key, reply in failed.items()}

    def note_loads(self, kind: Kind, keys: Iterable[str], number: int) -> None:
        """Note how many models were loaded to ask for these keys: they belong to who reads the first of them."""
        with self._lock:
            first = next((key for key in keys if (kind, key) in self._asked), None)
            if number and first is not None:
                self._loads[kind, first] = number

    def waits(self, kind: Kind, keys: Iterable[str]) -> bool:
        """Return whether one of the keys was asked ahead, and nobody has read it yet."""
        with self._lock:
            return any((kind, key) in self._asked for key in keys)

    def take(self, kind: Kind, keys: Iterable[str]) -> set[str]:
        """Return those of the keys that were asked ahead and that nobody has read yet."""
        with self._lock:
            found = {key for key in keys if (kind, key) in self._asked}
            self.seconds[kind] += sum(self._asked.pop((kind, key)) for key in found)
            self.loads += sum(self._loads.pop((kind, key), 0) for key in found)
        return found

    def failures(self, kind: Kind, keys: Iterable[str]) -> dict[str, Any]:
        """Return what failed ahead for these keys, once: who reads it next asks again."""
        with self._lock:
            return {key: self._failed.pop((kind, key)) for key in keys if (kind, key) in self._failed}


def asked_for_this_job(kind: Kind, keys: Iterable[str]) -> bool:
    """Return whether one of the keys was asked ahead of the job that runs here, and is its own to report."""
    return find(Ahead) is None and owned(Ahead).waits(kind, keys)
