"""Track jobs in MLflow; its import takes seconds, so it waits until the first run starts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import Field

from alpacabench.core.conf import conf
from alpacabench.core.context import current
from alpacabench.core.errors import ConfigError, Problem
from alpacabench.io.manifest import Run
from alpacabench.security.redact import first_line, redact
from alpacabench.tracking import spool, uri
from alpacabench.tracking.base import JobRecord, Tracking
from alpacabench.tracking.client import connect, experiment_id
from alpacabench.tracking.links import comparison, run_page
from alpacabench.tracking.lock import one_at_a_time
from alpacabench.tracking.pending import PENDING, Pending, leave, read, same_examples
from alpacabench.tracking.runs import begin, create, find_sweep, require_parent, resume
from alpacabench.tracking.system import watch
from alpacabench.tracking.traces import write_pending
from alpacabench.tracking.writer import compare_again, end_unsent, write

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class Mlflow(Tracking):
    """Log to an MLflow database or server: `tracking=mlflow`."""

    experiment: str = Field("alpacabench", min_length=1)
    uri: str | None = None
    traces: int | Literal["all"] = "all"

    def problems(self) -> Iterator[Problem]:
        """Yield a URI that MLflow cannot use, and a negative number of traces."""
        yield from uri.check(self.uri)
        yield from uri.check_experiment(self.uri, self.experiment)
        if isinstance(self.traces, int) and self.traces < 0:
            yield Problem("tracking.traces", f"given {self.traces}", "allowed: 0, a positive number, or all")

    def open_sweep(self, parent: JobRecord, jobs: Sequence[str]) -> tuple[Run, dict[str, Run]]:
        """Create or continue the parent run; return it, and the runs that jobs of an equal sweep have already."""

        def open_(client: MlflowClient) -> tuple[Run, dict[str, Run]]:
            assert parent.sweep is not None
            experiment = self._experiment()
            require_parent(client, parent)
            with one_at_a_time(uri.tracking_uri(self.uri)):
                known = find_sweep(client, experiment, parent.sweep.identity)
                if known.parent is None:
                    return Run(create(client, experiment, parent)), {}
            done = known.parent.finished and all(job in known.jobs and known.jobs[job].finished for job in jobs)
            if not done:
                resume(client, str(known.parent.run_id))
            return Run(known.parent.run_id, done), dict(known.jobs)

        return self._reach(open_, _spooled("the sweep")) or (Run(), {})

    def close_sweep(self, run: Run, parent: JobRecord) -> None:
        """Write what the sweep found and end the parent run; a finished one gets only what another base changes."""
        if not run.finished:
            self._deliver(run, parent, parent=True)
        else:
            lost = "the sweep's page there keeps its earlier comparison; the same command tries again"
            self._reach(lambda client: compare_again(client, str(run.run_id), parent), lost)

    def start(self, job: JobRecord) -> Run:
        """Create the job's run, or continue the one that an interrupted call left."""
        link = job.sweep
        if link and link.run.finished:
            return link.run
        if link and link.parent_run_id is None:
            return Run()

        def start(client: MlflowClient) -> Run:
            experiment = self._experiment()
            if link is None:
                require_parent(client, job)
            with one_at_a_time(uri.tracking_uri(self.uri)):
                run = begin(client, experiment, job)
            if not run.finished:
                watch(str(run.run_id))
            return run

        return self._reach(start, _spooled("the run")) or Run()

    def finish(self, run: Run, job: JobRecord) -> None:
        """Write all that is tracked and end the run; what cannot be sent is spooled, and traces are left for later."""
        if not run.finished:
            run = replace(run, run_id=self._deliver(run, job, parent=False))
        if run.run_id and self.traces and not run.traced and job.examples:
            waiting = Pending.of(job, run.run_id, uri.tracking_uri(self.uri), self.traces)
            self._reach(lambda _: leave(replace(waiting, experiment=self._experiment())), "its traces are lost")

    def follow_up(self, directory: Path, jobs: Sequence[Path]) -> None:
        """Write the traces that these jobs left in their directories: the same examples for each of them."""
        waiting = same_examples([read(job / PENDING) for job in jobs if (job / PENDING).is_file()], len(jobs))
        for number, run in enumerate(waiting):
            kept = f"the traces of {len(waiting) - number} runs are kept in {directory}"
            later = f"{kept}; {_sync(directory)} sends them later"
            if self._reach(lambda client, run=run: write_pending(client, run), later) is None:  # type: ignore[misc]
                # Nor would the others be sent, and each would wait for an answer first.
                return
            run.path.unlink(missing_ok=True)

    def page(self, run: Run, sweep: str | None = None) -> str | None:
        """Return the address of the run's page, or of the comparison of a sweep's jobs."""
        where, run_id = uri.tracking_uri(self.uri), run.run_id
        if run_id is None:
            return None

        def find(client: MlflowClient) -> str | None:
            if sweep is None:
                return run_page(where, self._experiment(), run_id)
            jobs = find_sweep(client, self._experiment(), sweep).jobs.values()
            return comparison(where, self._experiment(), [str(job.run_id) for job in jobs])

        return self._reach(find, "the page has no link to it")

    def ui_command(self) -> str:
        """Return the command that opens the UI on a database, or the server's address."""
        where = uri.tracking_uri(self.uri)
        if where.startswith("http") or uri.is_databricks(where):
            return redact(where)
        if where != uri.tracking_uri(uri.LOCAL):
            return f"alpacabench ui --tracking-uri {redact(where)}"
        return "make ui" if conf().parent == current().directory else "alpacabench ui"

    def _deliver(self, run: Run, job: JobRecord, parent: bool) -> str | None:
        """Write a run; returns its id, or None where it was spooled."""

        def send(client: MlflowClient) -> str:
            write(client, str(run.run_id), job)
            return str(run.run_id)

        sent = self._reach(send, _spooled("the run")) if run.run_id else None
        if sent is None:
            if run.run_id:
                self._end_unsent(run.run_id, job)
            try:
                spool.put(job, self.experiment, uri.tracking_uri(self.uri), self.traces, parent, run.run_id)
            except OSError as error:
                log.warning(
                    "%s is not tracked: it cannot be kept in %s (%s). Its files are in %s",
                    redact(job.name), spool.spool_directory(), error.strerror or error, job.directory,
                )  # fmt: skip
        return sent

    def _end_unsent(self, run_id: str, job: JobRecord) -> None:
        """End a run of which something could not be sent: nobody is at it, and MLflow would show it as running."""
        if uri.unreachable(uri.tracking_uri(self.uri)) is None:
            self._reach(lambda client: end_unsent(client, run_id, job), "it shows the run as running until then")

    def _experiment(self) -> str:
        return experiment_id(uri.tracking_uri(self.uri), self.experiment)

    def _reach(self, action: Callable[[MlflowClient], Result], otherwise: str) -> Result | None:
        """Return the action's result, or None where MLflow does not answer: it costs no result.

        The warning tells what happens `otherwise`.
        """
        where = uri.tracking_uri(self.uri)
        try:
            return action(connect(where))
        except ConfigError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the server
            log.warning("MLflow at %s cannot be used (%s): %s", redact(where), first_line(error), otherwise)
            return None


def _spooled(what: str) -> str:
    return f"{what} is kept in {spool.spool_directory()}; `alpacabench sync` sends it later"


def _sync(directory: Path) -> str:
    """Return the command that finds traces below the directory."""
    found = directory.absolute().is_relative_to(spool.spool_directory().parent)
    return "`alpacabench sync`" if found else f"`alpacabench sync --spool {directory}`"
