"""Track jobs in MLflow; its import takes seconds, so it waits until the first run starts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import Field

from alpacabench.errors import ConfigError, Problem
from alpacabench.tracking import spool, uri
from alpacabench.tracking.base import JobRecord, Run, Tracking
from alpacabench.tracking.client import connect, experiment_id
from alpacabench.tracking.example import informative
from alpacabench.tracking.pending import leave, pending
from alpacabench.tracking.redact import redact
from alpacabench.tracking.runs import create, find_interrupted, find_sweep, resume
from alpacabench.tracking.system import watch
from alpacabench.tracking.traces import write_pending
from alpacabench.tracking.writer import compare_again, write

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class Mlflow(Tracking):
    """Log to an MLflow database or server: `tracking=mlflow`."""

    experiment: str = Field("alpacabench", min_length=1)
    uri: str | None = None
    traces: int | Literal["all"] = 50

    def check(self) -> Iterator[Problem]:
        """Yield a URI that MLflow cannot use, and a negative number of traces."""
        yield from uri.check(self.uri)
        if isinstance(self.traces, int) and self.traces < 0:
            yield Problem("tracking.traces", f"given {self.traces}", "allowed: 0, a positive number, or all")

    def open_sweep(self, parent: JobRecord, jobs: Sequence[str]) -> tuple[Run, dict[str, Run]]:
        """Create or continue the parent run; return it, and the runs that jobs of an equal sweep have already."""

        def open_(client: MlflowClient) -> tuple[Run, dict[str, Run]]:
            assert parent.sweep is not None
            experiment = self._experiment()
            known = find_sweep(client, experiment, parent.sweep.identity)
            if known.parent is None:
                return Run(create(client, experiment, parent)), {}
            done = known.parent.finished and all(job in known.jobs and known.jobs[job].finished for job in jobs)
            if not done:
                resume(client, str(known.parent.run_id))
            return Run(known.parent.run_id, done), dict(known.jobs)

        return self._reach(open_) or (Run(), {})

    def close_sweep(self, run: Run, parent: JobRecord) -> None:
        """Write what the sweep found and end the parent run; a finished one gets only what another base changes."""
        if not run.finished:
            self._deliver(run, parent, parent=True)
        else:
            self._reach(lambda client: compare_again(client, str(run.run_id), parent))

    def start(self, job: JobRecord) -> Run:
        """Create the job's run, or continue the one that an interrupted call left."""
        link = job.sweep
        if link and link.run.finished:
            return link.run
        if link and link.parent_run_id is None:
            return Run()

        def start(client: MlflowClient) -> Run:
            experiment = self._experiment()
            left = link.run.run_id if link else find_interrupted(client, experiment, job)
            run_id = resume(client, left) if left else create(client, experiment, job)
            watch(run_id)
            return Run(run_id)

        return self._reach(start) or Run()

    def finish(self, run: Run, job: JobRecord) -> None:
        """Write all that is tracked and end the run; what cannot be sent is spooled, and traces are left for later."""
        if not run.finished:
            run = replace(run, run_id=self._deliver(run, job, parent=False))
        if run.run_id and self.traces and not run.traced and job.examples:
            ended = round((job.ended or job.started) * 1000)
            self._reach(lambda client: leave(job.directory, str(run.run_id), self._experiment(), ended, job.examples))

    def follow_up(self, directory: Path) -> None:
        """Write the traces that the jobs under this directory left: the same examples for each of them."""
        waiting = list(pending(directory))
        texts = informative([run.examples for run in waiting], self.traces)
        for run in waiting:
            chosen = replace(run, examples=[row for row in run.examples if row.instruction in texts])
            if self._reach(lambda client, chosen=chosen: write_pending(client, chosen)) is not None:  # type: ignore[misc]
                run.path.unlink()

    def ui_command(self) -> str:
        """Return the command that opens the UI on a database, or the server's address."""
        where = uri.tracking_uri(self.uri)
        if where.startswith("http"):
            return redact(where)
        return "make ui" if where == uri.tracking_uri(uri.LOCAL) else f"mlflow ui --backend-store-uri {redact(where)}"

    def _deliver(self, run: Run, job: JobRecord, parent: bool) -> str | None:
        """Write a run; returns its id, or None where it was spooled."""

        def send(client: MlflowClient) -> str:
            write(client, str(run.run_id), job)
            return str(run.run_id)

        sent = self._reach(send) if run.run_id else None
        if sent is None:
            spool.put(job, self.experiment, uri.tracking_uri(self.uri), self.traces, parent)
        return sent

    def _experiment(self) -> str:
        return experiment_id(uri.tracking_uri(self.uri), self.experiment)

    def _reach(self, action: Callable[[MlflowClient], Result]) -> Result | None:
        """Return the action's result, or None (with a warning) where MLflow does not answer: it costs no result."""
        where = uri.tracking_uri(self.uri)
        try:
            return action(connect(where))
        except ConfigError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the server
            reason = redact((str(error) or repr(error)).splitlines()[0])
            log.warning(
                "MLflow at %s cannot be used (%s): the run is kept in %s; `alpacabench sync` sends it later",
                redact(where), reason, spool.spool_directory(),
            )  # fmt: skip
            return None
