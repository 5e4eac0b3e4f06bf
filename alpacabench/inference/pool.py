"""The groups of worker processes that are up: each stays until the call ends, so that a sweep loads a model once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from alpacabench.core.context import owned
from alpacabench.core.errors import GenerationError
from alpacabench.inference import loading
from alpacabench.inference.group import Group, WorkerCrashed
from alpacabench.inference.loaded import Loaded
from alpacabench.inference.spec import Answer, ChatFormat, Choice, ChoiceAnswer, DecodeSpec, ModelSpec, Plan, Task
from alpacabench.inference.weigh_options import TOKENS

log = logging.getLogger(__name__)

LOCKSTEP_ROWS = 64
"""Rows at once under batch_size=auto where ranks must agree: nothing is measured per rank there."""

Up = TypeVar("Up")


@dataclass
class Groups:
    """The groups of this call: a part of its context."""

    up: dict[tuple[ModelSpec, Plan], Group] = field(default_factory=dict)
    worked: dict[tuple[ModelSpec, Plan, str], int] = field(default_factory=dict)
    """What ranks in lockstep went on with after memory had run out: a sweep's next job begins there."""
    ended_loads: int = 0
    ended_peak: int = 0

    def end(self, key: tuple[ModelSpec, Plan]) -> None:
        """End a group; what it loaded and held still counts."""
        group = self.up.pop(key)
        self.ended_loads, self.ended_peak = self.ended_loads + group.loads, max(self.ended_peak, group.peak_bytes)
        group.close()

    def close(self) -> None:
        """End all groups."""
        for key in list(self.up):
            self.end(key)


class Pooled:
    """A model in a group of worker processes, started when it is first needed."""

    def __init__(self, spec: ModelSpec, plan: Plan) -> None:
        self.spec, self.plan = spec, plan

    def generate(
        self, tasks: Sequence[Task], spec: DecodeSpec, form: ChatFormat, batch_size: int | None = None
    ) -> Iterator[Answer]:
        """Yield answers as they arrive.

        Raises:
            WorkerDied: a worker was killed, failed, or crashed a second time.
            GenerationError: memory does not hold one answer at a time.

        """

        def ask(workers: Group, left: Sequence[Task], size: int | None) -> Iterator[Answer]:
            return workers.generate(left, spec, form, size)

        most = LOCKSTEP_ROWS if self.plan.lockstep else None
        yield from self._ask(tasks, "batch_size", batch_size or most, ask)

    def choose(self, choices: Sequence[Choice], form: ChatFormat) -> Iterator[ChoiceAnswer]:
        """Yield the log probabilities of each question's options.

        Raises:
            WorkerDied: a worker was killed, failed, or crashed a second time.
            GenerationError: memory does not hold one question at a time.

        """

        def ask(workers: Group, left: Sequence[Choice], size: int | None) -> Iterator[ChoiceAnswer]:
            return workers.choose(left, form, size)

        yield from self._ask(choices, "tokens", TOKENS if self.plan.lockstep else None, ask)

    def _ask(
        self, items: Sequence[Any], unit: str, size: int | None, ask: Callable[..., Iterator[Any]]
    ) -> Iterator[Any]:
        """Ask until every item is answered: workers that crash start again once.

        Where ranks are in lockstep and one runs out of memory, all start again with half; with 1, once more.
        """
        left = {item.key: item for item in items}
        place = (self.spec, self.plan, unit)
        crashed = alone = halved = False
        worked = owned(Groups).worked
        size = min(size, worked.get(place, size)) if size else None
        while left:
            try:
                for answer in ask(group(self.spec, self.plan), list(left.values()), size):
                    del left[answer.key]
                    yield answer
            except WorkerCrashed as error:
                if crashed:
                    raise
                crashed = True
                log.warning("the workers start again for the %d answers that are left: %s", len(left), error)
            except MemoryError as error:
                if not self.plan.lockstep or not size or alone:
                    raise GenerationError(
                        "a worker ran out of memory with one answer at a time; the answers before it are kept\n"
                        "    use more processes, or sharding=zero3 with sharding.offload=cpu"
                    ) from error
                alone, halved, size = size == 1, True, max(1, size // 2)
                worked[place] = size
                log.warning("out of memory: all workers start again with %s=%d", unit, size)
        if halved:
            log.info("%s=%d worked", unit, size)


def group(spec: ModelSpec, plan: Plan) -> Group:
    """Return the group that has this model up, starting it if need be."""
    groups = owned(Groups)
    found = groups.up.get((spec, plan))
    if found is not None and found.alive:
        return found
    if found is not None:
        groups.end((spec, plan))
    groups.up[spec, plan] = _beside_others(spec, plan, lambda: Group(spec, plan))
    return groups.up[spec, plan]


def resident(spec: ModelSpec, plan: Plan) -> Loaded:
    """Return the model in this process, loading it if need be."""
    if loading.plan_of(spec) == plan:
        return loading.resident(spec, plan)
    return _beside_others(spec, plan, lambda: loading.resident(spec, plan))


def plan_of(spec: ModelSpec) -> Plan | None:
    """Return the plan under which this model is up, in worker processes or in this one, if it is."""
    plans = (plan for (known, plan), found in owned(Groups).up.items() if known == spec and found.alive)
    return next(plans, None) or loading.plan_of(spec)


def loads() -> int:
    """Return how many models the worker processes have loaded so far, each counted once for its group."""
    groups = owned(Groups)
    return groups.ended_loads + sum(found.loads for found in groups.up.values())


def peak_bytes() -> int:
    """Return the most memory that one worker process has held."""
    groups = owned(Groups)
    return max([groups.ended_peak, *(found.peak_bytes for found in groups.up.values())])


def close() -> None:
    """End all groups."""
    owned(Groups).close()


def _beside_others(spec: ModelSpec, plan: Plan, load: Callable[[], Up]) -> Up:
    """Load a model beside those that are up; they leave first where memory does not hold all.

    Raises:
        GenerationError: memory does not hold the model alone either.

    """
    copies = plan.num_processes if plan.mode == "data_parallel" and loading.on_cpu(spec) else 1
    if loading.weight_bytes(spec) * copies * loading.ROOM > loading.free_bytes(spec.device):
        _clear()
    try:
        return load()
    except Exception as error:
        if not loading.out_of_memory(error):
            raise
        if not _clear():
            raise GenerationError(
                f"memory does not hold the model {spec.source}\n"
                "    use a smaller dtype or quantisation, sharding=zero3 over several devices, or sharding=device_map"
            ) from error
    return _beside_others(spec, plan, load)


def _clear() -> bool:
    """End the worker processes and drop the models of this one; return whether there was anything up."""
    up = bool(owned(Groups).up) or loading.held()
    if up:
        log.info("memory does not hold all models: unloading the others")
        close()
        loading.unload()
    return up
