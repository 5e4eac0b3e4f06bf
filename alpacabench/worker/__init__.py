"""Loaded models: in this process, or in a group of worker processes that stays up.

Only `worker.open` decides which. No heavy imports here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from alpacabench.worker.spec import Answer, ChatFormat, Choice, ChoiceAnswer, DecodeSpec, ModelSpec, Task

if TYPE_CHECKING:
    from alpacabench.sharding import Sharding


class Backend(Protocol):
    """A loaded model, wherever it is."""

    def generate(
        self, tasks: Sequence[Task], spec: DecodeSpec, form: ChatFormat, batch_size: int | None = None
    ) -> Iterator[Answer]:
        """Yield one answer per task, as they finish."""

    def choose(self, choices: Sequence[Choice], form: ChatFormat) -> Iterator[ChoiceAnswer]:
        """Yield the log probabilities of each question's options."""


def open_backend(spec: ModelSpec, sharding: Sharding | None = None) -> Backend:
    """Return the model, loaded now unless it is up already."""
    from alpacabench.worker.engine import Engine
    from alpacabench.worker.loading import resident

    return Engine(resident(spec))


def loads() -> int:
    """Return how many models have been loaded so far, here and in the workers; imports nothing heavy."""
    loading = sys.modules.get("alpacabench.worker.loading")
    return int(loading.loads()) if loading else 0


def peak_bytes() -> int:
    """Return the most memory that a process of this run has held, in bytes."""
    from alpacabench.worker.loading import peak_bytes

    return peak_bytes()
