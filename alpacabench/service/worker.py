"""A worker of the service: takes one job after the other and runs each as a command of its own.

    python -m alpacabench.service.worker --store URL --data FOLDER --program MODULE --server PID [--set KEY=VALUE ...]

It ends when the server that started it is gone, and its job with it; the job is queued again.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from alpacabench.core.errors import StoreError
from alpacabench.io.audit import AUDIT
from alpacabench.io.json_text import loads
from alpacabench.service import TOKEN
from alpacabench.service.queue import Job, Queue
from alpacabench.store.database import open_engine
from alpacabench.store.heartbeat import Heartbeat
from alpacabench.store.owner import end_process, owner_of

IDLE_SECONDS = 0.3
"""Between two looks at the queue, or at a running job."""
GRACE_SECONDS = 10.0
"""So long a job that is told to end may take to keep what it has."""
SHOWN = 4000
"""Characters of a failed command's last words that are kept."""
BUDGET = "budget.usd="


@dataclass(frozen=True, slots=True)
class Place:
    """Where jobs run, and what the server's owner has set for all of them."""

    data: Path
    overrides: Sequence[str]
    budgets: Mapping[str, float]
    """Dollars by client."""
    program: str
    """The module of the command line."""

    def log(self, id_: str) -> Path:
        """Return the file with what a job's command says."""
        return self.data / "outputs" / "service" / f"{id_}.log"

    def directory(self, id_: str, multirun: bool) -> Path:
        """Return where a job's files are."""
        return self.data / "outputs" / ("sweeps" if multirun else "runs") / id_

    def command(self, job: Job, spent: float) -> list[str]:
        """Return the command of a job whose client's account has spent so many dollars."""
        directory = self.directory(job.id, job.multirun)
        where = f"hydra.{'sweep' if job.multirun else 'run'}.dir='{directory}'"
        start = [sys.executable, "-m", self.program, "run", *(["-m"] if job.multirun else [])]
        return [*start, *self.paid(job, spent), *self.overrides, where]

    def paid(self, job: Job, spent: float) -> list[str]:
        """Return the job's overrides with its client's account; a cap of the job's own holds where it is lower."""
        cap = self.budgets.get(job.client)
        if cap is None:
            return list(job.overrides)
        own = [text for text in job.overrides if text.startswith(BUDGET)]
        with suppress(IndexError, ValueError):
            cap = min(cap, spent + float(own[-1].removeprefix(BUDGET)))
        rest = [text for text in job.overrides if text not in own]
        return [*rest, f"{BUDGET}{cap}", f"budget.account='{account(job.client)}'"]


def account(client: str) -> str:
    """Return the account in the store from which a client's jobs are paid."""
    return f"service: {client}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Work until the server is gone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--budget", action="append", default=[])
    parser.add_argument("--program", required=True)
    # Not asked of the system here: the server may be gone before this line is reached.
    parser.add_argument("--server", type=int, required=True)
    given = parser.parse_args(arguments)
    budgets = {name: float(usd) for name, _, usd in (one.rpartition("=") for one in given.budget)}
    engine = open_engine(given.store)
    heart = Heartbeat(engine)
    heart.start()
    signal.signal(signal.SIGTERM, _stop)
    try:
        while os.getppid() == given.server:
            # A busy store is no reason to stop working.
            with suppress(StoreError):
                if job := Queue(engine).claim(heart):
                    _run(Queue(engine), heart, Place(given.data, given.set, budgets, given.program), job, given.server)
                    continue
            time.sleep(IDLE_SECONDS)
    finally:
        heart.stop()
    return 0


def environment() -> dict[str, str]:
    """Return the environment of a job: the server's, without its tokens."""
    return {name: value for name, value in os.environ.items() if not name.startswith(TOKEN)}


def _stop(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


def _run(queue: Queue, heart: Heartbeat, place: Place, job: Job, server: int) -> None:
    """Run one job to its end, or give it back where its process was killed."""
    owner = heart.owner
    if job.process:
        end_process(job.process)
    log = place.log(job.id)
    log.parent.mkdir(parents=True, exist_ok=True)
    command = place.command(job, queue.spent(account(job.client)))
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=place.data, env=environment(), stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        queue.note_process(job.id, owner_of(process.pid))
        wanted = _wait(queue, owner, job, process, server)
    finally:
        _end(process)
    if not wanted:
        queue.end(job.id, owner, "cancelled", process.returncode, None, {})
    elif process.returncode < 0:
        queue.give_back(job.id, owner)
    else:
        metrics = _metrics(place.directory(job.id, job.multirun))
        failed = process.returncode != 0
        queue.end(job.id, owner, "failed" if failed else "finished", process.returncode,
                  _last_words(log) if failed else None, metrics)  # fmt: skip


def _wait(queue: Queue, owner: str, job: Job, process: subprocess.Popen[bytes], server: int) -> bool:
    """Wait for a job's end; returns whether its client still wants it."""
    while process.poll() is None:
        if os.getppid() != server:
            raise SystemExit(0)
        with suppress(StoreError):
            if not queue.wanted(job.id, owner):
                return False
        with suppress(subprocess.TimeoutExpired):
            process.wait(IDLE_SECONDS)
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a job's process and all that it started."""
    for signal_, seconds in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, None)):
        with suppress(ProcessLookupError, PermissionError):
            if process.poll() is None:
                os.killpg(process.pid, signal_)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            break
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _metrics(directory: Path) -> Mapping[str, float]:
    """Return the metrics of a run or a sweep, as its record holds them."""
    try:
        found = loads((directory / AUDIT).read_bytes())["metrics"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    # NaN is no JSON for other readers.
    return {name: value for name, value in found.items() if isinstance(value, int | float) and value == value}


def _last_words(log: Path) -> str:
    """Return what a failed command said at its end."""
    try:
        return log.read_text(encoding="utf-8", errors="replace")[-SHOWN:].strip()
    except OSError as error:
        return str(error)


if __name__ == "__main__":
    sys.exit(main())
