"""How far a sweep is, in one line: jobs, answers, verdicts, dollars so far, and how long is left."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock

from alpacabench.core import progress

log = logging.getLogger(__name__)

JOB_SECONDS = 0.5
"""What writing a job's files and logging its run takes, until one has done so."""


class Part(progress.Part):
    """The answers, or the verdicts, of all jobs."""

    def __init__(self, total: int, unit: str, show: Callable[[], None]) -> None:
        super().__init__("", total, unit)
        self.show = show
        self.seconds_each: float | None = None
        """What one took when the same was asked before; None where that is not known."""
        self._begun = self._timed = False

    def begin(self) -> None:
        """Note that somebody begins to ask: what the store holds comes first, and tells nothing of the speed."""
        self._begun = True

    def advance(self, count: int) -> None:
        """Note that more are settled."""
        if self._begun:
            self._begun, self.known = False, self.known + count
            # Judges and models that follow, or work side by side, go on with the same clock.
            self.since, self._timed = self.since if self._timed else time.monotonic(), True
        super().advance(count)

    @property
    def seconds_left(self) -> float | None:
        """The estimate; by earlier runs until enough is done for one."""
        if self.done >= self.total:
            return 0.0
        left = super().seconds_left
        if left is None and self.seconds_each is not None:
            return self.seconds_each * (self.total - self.done)
        return left


class SweepLine(progress.Whole):
    """A part of the call's context; where it is given, stages are told in this line alone."""

    def __init__(self) -> None:
        self.open(0, 0, 0, beside=False)

    def open(self, jobs: int, answers: int, verdicts: int, beside: bool) -> None:
        """Begin a sweep.

        Args:
            jobs: how many.
            answers: distinct ones that its jobs need.
            verdicts: the same.
            beside: whether judges work while models write.

        """
        self.jobs, self.jobs_done, self.job_seconds = jobs, 0, 0.0
        self.parts: dict[str, Part] = {
            unit: Part(n, unit, self.show) for unit, n in (("answers", answers), ("verdicts", verdicts))
        }
        self.beside, self.dollars = beside, 0.0
        self.started = self.logged = time.monotonic()
        self._lock = Lock()
        self._bar: Callable[[str], None] | None = None

    @property
    def counts(self) -> Mapping[str, progress.Part]:
        """Answers and verdicts."""
        return self.parts

    def pay(self, dollars: float | None) -> None:
        """Add what an answer or a verdict cost; None is not known."""
        with self._lock:
            self.dollars += dollars or 0.0

    def job_done(self, seconds: float) -> None:
        """Note that a job has ended, and how long it took."""
        self.jobs_done, self.job_seconds = self.jobs_done + 1, self.job_seconds + seconds
        self.show()

    @property
    def seconds_left(self) -> float | None:
        """The estimate; None where nothing is known yet of answers or of verdicts."""
        parts = [part.seconds_left for part in self.parts.values()]
        known = [left for left in parts if left is not None]
        if len(known) < len(parts):
            return None
        each = self.job_seconds / self.jobs_done if self.jobs_done else JOB_SECONDS
        return (max(known) if self.beside else sum(known)) + each * (self.jobs - self.jobs_done)

    def text(self) -> str:
        """Return the line."""
        counts = [f"Sweep: {self.jobs_done} of {self.jobs} jobs"] if self.jobs > 1 else []
        counts += [f"{part.done} of {part.total} {unit}" for unit, part in self.parts.items() if part.total]
        counts.append(f"${self.dollars:.2f}")
        left = self.seconds_left
        return ", ".join(counts) + ("" if not left else f", about {left:.0f} s left")

    def show(self) -> None:
        """Show the line: on the terminal at once, elsewhere as a line of the log now and then."""
        now = time.monotonic()
        if self._bar is not None:
            self._bar(self.text())
        elif now - self.logged >= progress.LOG_SECONDS and self.seconds_left is not None:
            self.logged = now
            log.info("%s", self.text())

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the line on a terminal while the block lasts."""
        if not sys.stderr.isatty():
            yield
            return
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(self.text(), total=None)
            self._bar = lambda text: bar.update(task, description=text)
            try:
                yield
            finally:
                self._bar = None
