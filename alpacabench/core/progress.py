"""Progress of long stages: a rich bar with an estimate on a terminal, a log line now and then elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext

from alpacabench.core.context import find, given
from alpacabench.core.printable import printable

log = logging.getLogger(__name__)

LOG_SECONDS = 15.0
"""How often a line is logged where there is no terminal."""

FIRST_ESTIMATE = 0.03
"""The share that must be done first: loading a model and reading the prompts come before the first answers."""


class Stage:
    """One stage in progress. Units in flight count in part, so that the estimate does not wait for whole ones."""

    def __init__(self, title: str, total: int, unit: str) -> None:
        self.title, self.total, self.unit = title, total, unit
        self.done = 0
        self.partial = self.known = 0.0
        self.started = self.logged = self.since = time.monotonic()
        self.measured = False
        """Whether anything was in flight yet: what came before, loading and the like, is no measure of the rest."""
        self.show: Callable[[], None] = self._log_now_and_then

    @property
    def seconds_left(self) -> float | None:
        """The estimate; None until enough is done for one."""
        # A unit that has just been finished counts among those in flight until their next step.
        reached = min(self.done + self.partial, self.total)
        done = reached - self.known
        if done < FIRST_ESTIMATE * self.total:
            return None
        return (time.monotonic() - self.since) / done * (self.total - reached)

    def advance(self, count: int) -> None:
        """Note that more units are done; so many fewer are in flight."""
        self.done, self.partial = self.done + count, max(0.0, self.partial - count)
        self.show()

    def _log_now_and_then(self) -> None:
        left, now = self.seconds_left, time.monotonic()
        if left is not None and now - self.logged >= LOG_SECONDS:
            self.logged = now
            log.info("%s: %d of %d %s, about %d s left", self.title, self.done, self.total, self.unit, round(left))


class Part(Stage):
    """What several stages count towards together."""

    def begin(self) -> None:
        """Note that a stage begins."""


class Whole:
    """What takes the place of all stages in the block in which it is given."""

    @property
    def counts(self) -> Mapping[str, Part]:
        """What stages count towards, by unit; a stage of another unit is shown by itself."""
        return {}


def in_flight(units: float) -> None:
    """Tell the stage in progress how much of the units in flight is done, as a number of whole units."""
    current = find(Stage)
    if current is not None:
        if not current.measured:
            current.measured, current.since, current.known = True, time.monotonic(), current.done + units
        current.partial = units
        current.show()


@contextmanager
def stage(title: str, total: int, unit: str = "") -> Iterator[Callable[[int], None]]:
    """Show progress of a stage; yields a function that is told how many more units are done.

    Args:
        title: what is being done.
        total: how many units in all.
        unit: the plural name of a unit.

    """
    whole = find(Whole)
    if whole is not None and (part := whole.counts.get(unit)):
        part.begin()
        with given(part, Stage):
            yield part.advance
        return
    current = Stage(printable(title), total, unit)
    with given(current), _bar(current) if sys.stderr.isatty() else nullcontext():
        yield current.advance
    seconds = time.monotonic() - current.started
    log.info("%s: %d of %d %s in %.1f s", title, current.done, total, unit, seconds)


@contextmanager
def _bar(current: Stage) -> Iterator[None]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(),
        TextColumn("{task.fields[done]}/{task.total} {task.fields[unit]}"),
        TimeElapsedColumn(), TextColumn("{task.fields[left]}"),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(current.title, total=current.total, done=0, unit=current.unit, left="")

        def show() -> None:
            left = current.seconds_left
            text = "" if left is None else f"about {left:.0f} s left"
            bar.update(task, completed=current.done + current.partial, done=current.done, left=text)

        current.show = show
        yield
