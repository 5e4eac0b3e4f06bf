"""Send what was spooled while the tracking server could not be reached: `alpacabench sync`."""

from __future__ import annotations

import shutil
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from alpacabench.errors import StageError
from alpacabench.tracking import spool
from alpacabench.tracking.base import JobRecord, SweepLink
from alpacabench.tracking.client import Unreachable, connect, experiment_id
from alpacabench.tracking.example import informative
from alpacabench.tracking.redact import redact
from alpacabench.tracking.runs import create, find_interrupted, find_sweep, resume
from alpacabench.tracking.traces import write_traces
from alpacabench.tracking.uri import tracking_uri
from alpacabench.tracking.writer import write

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `alpacabench sync`."""
    parser.add_argument("--uri", help="where to send; by default where each run should have gone")
    parser.add_argument("--spool", type=Path, help="directory of what waits; by default outputs/spool")


def run(arguments: Namespace) -> int:
    """Send what waits; returns the exit code."""
    sent = sync(arguments.uri, arguments.spool, print)
    print(f"{sent} sent" if sent else "nothing waits")
    return 0


def sync(uri: str | None = None, directory: Path | None = None, show: Callable[[str], object] = lambda _: None) -> int:
    """Send every spooled run, the parents of sweeps first; what is sent leaves the spool.

    Args:
        uri: where to send; None is where each run should have gone.
        directory: the spool; None is outputs/spool.
        show: told of each run that was sent.

    Returns:
        How many were sent.

    Raises:
        StageError: a server does not answer; what was not sent stays.

    """
    entries = list(spool.waiting(directory or spool.spool_directory()))
    for number, entry in enumerate(entries):
        where = tracking_uri(uri or entry.uri)
        try:
            _send(connect(where), where, entry)
        except Unreachable as error:
            left = f"{len(entries) - number} runs wait. Start it, or give another with --uri"
            raise StageError(f"{redact(where)} does not answer ({error}): {left}") from error
        shutil.rmtree(entry.directory)
        show(f"sent to {redact(where)}: {entry.job.name}")
    return len(entries)


def _send(client: MlflowClient, where: str, entry: spool.Spooled) -> None:
    experiment = experiment_id(where, entry.experiment)
    run_id = _target(client, experiment, entry)
    if run_id is None:
        return
    write(client, run_id, entry.job)
    texts = informative([entry.job.examples], entry.traces)
    if rows := [row for row in entry.job.examples if row.instruction in texts]:
        write_traces(client, experiment, run_id, rows, round((entry.job.ended or entry.job.started) * 1000))


def _target(client: MlflowClient, experiment: str, entry: spool.Spooled) -> str | None:
    """Return the run to write to; None where the server has the finished run already."""
    link = entry.job.sweep
    if link is None:
        left = find_interrupted(client, experiment, entry.job)
        return resume(client, left) if left else create(client, experiment, entry.job)
    known = find_sweep(client, experiment, link.identity)
    own = known.parent if entry.parent else known.jobs.get(link.job)
    if own is not None:
        return None if own.finished else resume(client, str(own.run_id))
    if entry.parent:
        return create(client, experiment, entry.job)
    parent = known.parent.run_id if known.parent else create(client, experiment, _parent(entry.job, link))
    return create(client, experiment, replace(entry.job, sweep=replace(link, parent_run_id=parent)))


def _parent(job: JobRecord, link: SweepLink) -> JobRecord:
    """Return the record of a parent run whose sweep never came to its end."""
    return JobRecord(
        name="sweep", identity=link.identity, directory=job.directory, started=job.started,
        sweep=SweepLink(identity=link.identity), tags={"mlflow.runType": "genai_evaluate"},
    )  # fmt: skip
