"""Loaded models: in this process, or in a group of worker processes that stays up.

Only `open_backend` decides which. No heavy imports here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from alpacabench.inference.spec import Answer, ChatFormat, Choice, ChoiceAnswer, DecodeSpec, ModelSpec, Plan, Task


class Backend(Protocol):
    """A loaded model, wherever it is."""

    def generate(
        self, tasks: Sequence[Task], spec: DecodeSpec, form: ChatFormat, batch_size: int | None = None
    ) -> Iterator[Answer]:
        """Yield one answer per task, as they finish."""

    def choose(self, choices: Sequence[Choice], form: ChatFormat) -> Iterator[ChoiceAnswer]:
        """Yield the log probabilities of each question's options."""


def open_backend(spec: ModelSpec, plan: Plan | None = None) -> Backend:
    """Return the model, loaded unless it is up already; without a plan, wherever it is up, else in this process."""
    # A spinning OpenMP thread on a busy machine makes a step five times slower; it must be said before torch starts.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from alpacabench.inference import pool

    plan = plan or pool.plan_of(spec) or Plan()
    if plan.mode in ("data_parallel", "zero3", "tensor_parallel"):
        return pool.Pooled(spec, plan)
    from alpacabench.inference.engine import Engine

    return Engine(pool.resident(spec, plan))


def loads() -> int:
    """Return how many models have been loaded so far: in this process, and once for each group of workers."""
    return sum(int(module.loads()) for module in _used())


def peak_bytes() -> int:
    """Return the most memory in bytes that one process with a model has held; 0 where none was loaded."""
    return max((int(module.peak_bytes()) for module in _used()), default=0)


def _used() -> list[Any]:
    """Return the modules that know about loaded models, without importing them for this."""
    names = ("alpacabench.inference.loading", "alpacabench.inference.pool")
    return [sys.modules[name] for name in names if name in sys.modules]
