"""Progress of long stages: a rich bar with an estimate on a terminal, a log line now and then elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

LOG_SECONDS = 15.0
"""How often a line is logged where there is no terminal."""


@contextmanager
def stage(title: str, total: int, unit: str = "") -> Iterator[Callable[[int], None]]:
    """Show progress of a stage; yields a function that is told how many more units are done.

    Args:
        title: what is being done.
        total: how many units in all.
        unit: the plural name of a unit.

    """
    if sys.stderr.isatty():
        yield from _bar(title, total, unit)
    else:
        yield from _lines(title, total, unit)


def _bar(title: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(unit),
        TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total)
        yield lambda count: bar.update(task, advance=count)


def _lines(title: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
    start = last = time.monotonic()
    done = 0

    def advance(count: int) -> None:
        nonlocal done, last
        done += count
        now = time.monotonic()
        if done and now - last >= LOG_SECONDS:
            last = now
            left = (now - start) / done * (total - done)
            log.info("%s: %d of %d %s, about %d s left", title, done, total, unit, round(left))

    yield advance
    log.info("%s: %d of %d %s in %.1f s", title, done, total, unit, time.monotonic() - start)
