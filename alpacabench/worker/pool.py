"""The groups of worker processes that are up: each stays until the program ends, so that a sweep loads a model once."""

from __future__ import annotations

import atexit
import logging
from collections.abc import Iterator, Sequence

from alpacabench.worker.group import Group, WorkerCrashed
from alpacabench.worker.spec import Answer, ChatFormat, Choice, ChoiceAnswer, DecodeSpec, ModelSpec, Plan, Task

log = logging.getLogger(__name__)

LOCKSTEP_ROWS = 64
"""Rows at once under batch_size=auto where ranks must agree: nothing is measured per rank there."""

_groups: dict[tuple[ModelSpec, Plan], Group] = {}
_ended_loads = 0
_ended_peak = 0


class Pooled:
    """A model in a group of worker processes, started when it is first needed."""

    def __init__(self, spec: ModelSpec, plan: Plan) -> None:
        self.spec, self.plan = spec, plan

    def generate(
        self, tasks: Sequence[Task], spec: DecodeSpec, form: ChatFormat, batch_size: int | None = None
    ) -> Iterator[Answer]:
        """Yield answers as they arrive.

        Ranks in lockstep that run out of memory start again with half, and workers that crash start again once.

        Raises:
            WorkerDied: a worker was killed, failed, or crashed a second time.

        """
        left = {task.key: task for task in tasks}
        crashed = False
        if self.plan.lockstep:
            batch_size = batch_size or LOCKSTEP_ROWS
        while left:
            try:
                for answer in group(self.spec, self.plan).generate(list(left.values()), spec, form, batch_size):
                    del left[answer.key]
                    yield answer
            except WorkerCrashed as error:
                if crashed:
                    raise
                crashed = True
                log.warning("the workers start again for the %d answers that are left: %s", len(left), error)
            except MemoryError:
                if not batch_size or batch_size < 2:
                    raise
                batch_size //= 2
                log.warning("out of memory: the workers start again with batch_size=%d", batch_size)

    def choose(self, choices: Sequence[Choice], form: ChatFormat) -> Iterator[ChoiceAnswer]:
        """Yield the log probabilities of each question's options."""
        yield from group(self.spec, self.plan).choose(choices, form)


def group(spec: ModelSpec, plan: Plan) -> Group:
    """Return the group that has this model up, starting it if need be."""
    found = _groups.get((spec, plan))
    if found is not None and found.alive:
        return found
    if found is not None:
        _end((spec, plan))
    _make_room(spec, plan)
    _groups[spec, plan] = Group(spec, plan)
    return _groups[spec, plan]


def plan_of(spec: ModelSpec) -> Plan | None:
    """Return the plan under which this model is up in worker processes, if it is."""
    return next((plan for (known, plan), found in _groups.items() if known == spec and found.alive), None)


def loads() -> int:
    """Return how many models the worker processes have loaded so far, each counted once for its group."""
    return _ended_loads + sum(found.loads for found in _groups.values())


def peak_bytes() -> int:
    """Return the most memory that one worker process has held."""
    return max([_ended_peak, *(found.peak_bytes for found in _groups.values())])


@atexit.register
def close() -> None:
    """End all groups."""
    for key in list(_groups):
        _end(key)


def _end(key: tuple[ModelSpec, Plan]) -> None:
    """End a group; what it loaded and held still counts."""
    global _ended_loads, _ended_peak
    group = _groups.pop(key)
    _ended_loads, _ended_peak = _ended_loads + group.loads, max(_ended_peak, group.peak_bytes)
    group.close()


def _make_room(spec: ModelSpec, plan: Plan) -> None:
    """End the groups of other models where memory does not hold both."""
    from alpacabench.worker.loading import ROOM, free_bytes, weight_bytes

    copies = plan.num_processes if plan.mode == "data_parallel" and spec.device == "cpu" else 1
    if _groups and weight_bytes(spec) * copies * ROOM > free_bytes(spec.device):
        log.info("memory does not hold both models: ending the worker processes of the other")
        close()
