"""Send what was kept while the tracking server could not be reached: `alpacabench sync`.

Runs wait in outputs/spool, and the traces of runs that were sent in their own directories below outputs/. What is sent
is removed there. Exit code 1 where something is left, which is told with its reason.
"""

from __future__ import annotations

import shutil
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from alpacabench.core.errors import AlpacabenchError, ConfigError, DataError, StageError
from alpacabench.io.manifest import Run, SweepLink
from alpacabench.security.redact import first_line, redact
from alpacabench.tracking import pending, spool
from alpacabench.tracking import uri as uris
from alpacabench.tracking.addressee import addressee
from alpacabench.tracking.base import JobRecord
from alpacabench.tracking.client import Unreachable, connect, experiment_id
from alpacabench.tracking.pending import Pending
from alpacabench.tracking.runs import TRACES, create, find_interrupted, find_sweep, find_unsent, goes_on, resume
from alpacabench.tracking.traces import write_pending
from alpacabench.tracking.writer import write

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

Entry = TypeVar("Entry")

NAMED = 3
"""How many runs that are left for the same reason a message names."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `alpacabench sync`."""
    parser.add_argument("--uri", help="where to send; by default where each run should have gone")
    parser.add_argument("--spool", type=Path, help="directory of what waits; by default outputs/spool and outputs/")


def run(arguments: Namespace) -> int:
    """Send what waits; returns the exit code."""
    sent = sync(arguments.uri, arguments.spool, print)
    print(f"{sent} sent" if sent else "nothing waits")
    return 0


def sync(uri: str | None = None, directory: Path | None = None, show: Callable[[str], object] = lambda _: None) -> int:
    """Send every spooled run, the parents of sweeps first, and then the traces; what is sent leaves the disk.

    Args:
        uri: where to send; None is where each run should have gone.
        directory: where runs and traces wait; None is outputs/spool, and outputs/ for traces.
        show: told of each run that was sent.

    Returns:
        How many were sent.

    Raises:
        ConfigError: nothing can be sent to this URI.
        DataError: the directory does not exist.
        StageError: something is left; the message tells what and why.

    """
    if problems := [replace(problem, where="--uri") for problem in (uris.check(uri) if uri else ())]:
        raise ConfigError(problems)
    if directory and not directory.is_dir():
        raise DataError(f"--spool: given '{directory}', which is no directory; without it, outputs/spool is sent")
    delivery = Delivery(uri, show)
    place = directory or spool.spool_directory()
    left_by_jobs = pending.pending(directory or place.parent)
    for entry in sorted(delivery.readable(spool.waiting(place), spool.read), key=lambda entry: not entry.parent):
        delivery.send_run(entry)
    groups: dict[str, list[Pending]] = defaultdict(list)
    for waiting in delivery.readable(pending.pending(directory or place.parent), pending.read):
        groups[waiting.parent or waiting.run_id].append(waiting)
    for group in groups.values():
        delivery.send_traces(group, left_by_jobs)
    delivery.require_all()
    return delivery.sent


@dataclass
class Delivery:
    """One call of `sync`: what was sent, and what is left for which reason."""

    uri: str | None
    show: Callable[[str], object]
    sent: int = 0
    left: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Names by reason."""
    away: dict[str, Unreachable] = field(default_factory=dict)
    """Servers that did not answer: they are not asked again for each run."""

    def readable(self, paths: Sequence[Path], read: Callable[[Path], Entry]) -> Iterator[Entry]:
        """Yield what can be read; the rest is left."""
        for path in paths:
            try:
                yield read(path)
            except DataError as error:
                self.left[str(error)].append(path.name)

    def send_run(self, entry: spool.Spooled) -> None:
        """Send a spooled run; its traces, if it has any, wait then like those of any other run."""
        name = (entry.job.sweep and entry.job.sweep.name) or entry.job.name
        with self._or_leave(name):
            where = addressee(entry.directory / spool.RECORD, entry.uri, self.uri)
            _send(self._client(where), where, entry)
            shutil.rmtree(entry.directory / "files", ignore_errors=True)
            (entry.directory / spool.RECORD).unlink()
            _remove_empty(entry.directory)
            self.sent += 1
            self.show(f"sent to {redact(where)}: {name}")

    def send_traces(self, group: Sequence[Pending], left_by_jobs: Sequence[Path]) -> None:
        """Send the traces of one run, or of the runs of one sweep: of the same examples for all of them."""
        for waiting in pending.same_examples(group, len(group)):
            with self._or_leave(f"traces of run {waiting.run_id}"):
                client = self._client(addressee(waiting.path, waiting.uri, self.uri))
                if waiting.parent and goes_on(client, waiting.parent):
                    raise StageError(
                        "their sweep is running, and sends them at its end (the same command continues it)"
                    )
                if TRACES not in client.get_run(waiting.run_id).data.tags:
                    write_pending(client, waiting)
                waiting.path.unlink(missing_ok=True)
                _remove_empty(waiting.path.parent)
                if waiting.path in left_by_jobs:
                    self.sent += 1
                    self.show(f"sent the traces of run {waiting.run_id}")

    def require_all(self) -> None:
        """Raise a StageError that tells what is left and why, where something is."""
        if self.left:
            number = sum(map(len, self.left.values()))
            lines = [f"{_named(names)}: {reason}" for reason, names in self.left.items()]
            raise StageError("\n    ".join([f"{self.sent} sent, {number} left:", *lines]))

    @contextmanager
    def _or_leave(self, name: str) -> Iterator[None]:
        """Note an error, whatever it is, as the reason why something is left: the others go on."""
        try:
            yield
        except Exception as error:
            # Ours tell what to do on their further lines; those of a library go on with details.
            reason = redact(str(error)) if isinstance(error, AlpacabenchError) else first_line(error)
            self.left[reason].append(redact(name))

    def _client(self, where: str) -> MlflowClient:
        try:
            if where in self.away:
                raise self.away[where]
            return connect(where)
        except Unreachable as error:
            self.away[where] = error
            reason = f"{redact(where)} does not answer ({redact(str(error))}): start it, or give another with --uri"
            raise StageError(reason) from error


def _named(names: Sequence[str]) -> str:
    rest = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _remove_empty(directory: Path) -> None:
    with suppress(OSError):
        directory.rmdir()


def _send(client: MlflowClient, where: str, entry: spool.Spooled) -> None:
    """Write a spooled run, unless the server has it already, and leave its traces beside its record."""
    experiment = experiment_id(where, entry.experiment)
    run, job = _target(client, experiment, entry)
    if not run.finished:
        write(client, str(run.run_id), job)
    if entry.traces and job.examples and not run.traced:
        waiting = Pending.of(job, str(run.run_id), where, entry.traces)
        pending.leave(replace(waiting, experiment=experiment))


def _target(client: MlflowClient, experiment: str, entry: spool.Spooled) -> tuple[Run, JobRecord]:
    """Return the run to write to, with the job under its sweep's parent; a finished run is there already."""
    link = entry.job.sweep
    if link is None:
        left = find_unsent(client, entry.run, entry.job) or find_interrupted(client, experiment, entry.job)
        return Run(resume(client, left) if left else create(client, experiment, entry.job)), entry.job
    known = find_sweep(client, experiment, link.identity)
    job, own = entry.job, known.parent
    if not entry.parent:
        parent = known.parent.run_id if known.parent else create(client, experiment, _parent(job, link))
        job, own = replace(job, sweep=replace(link, parent_run_id=parent)), known.jobs.get(link.job)
    if own is None:
        return Run(create(client, experiment, job)), job
    return own if own.finished else Run(resume(client, str(own.run_id)), traced=own.traced), job


def _parent(job: JobRecord, link: SweepLink) -> JobRecord:
    """Return the record of a parent run whose sweep never came to its end."""
    return JobRecord(
        name="sweep", identity=link.identity, directory=job.directory, started=job.started,
        sweep=SweepLink(identity=link.identity), tags={"mlflow.runType": "genai_evaluate"},
    )  # fmt: skip
