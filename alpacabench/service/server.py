"""The server's process: it answers clients, and starts workers and starts them again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from socket import socket

import uvicorn

from alpacabench.service.app import Check, Service, make_app
from alpacabench.service.limits import Limits, Protocol
from alpacabench.service.queue import Queue
from alpacabench.service.worker import GRACE_SECONDS, Place, environment
from alpacabench.store.database import open_engine

CONNECTIONS = 200
"""At once; more are told to come back (503)."""
LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Settings:
    """What the server's owner has set."""

    data: Path
    store: str
    overrides: Sequence[str]
    """For every run."""
    budgets: Mapping[str, float]
    """Dollars by client."""
    tokens: Mapping[str, str]
    """By client."""
    workers: int
    program: str
    """The module of the command line."""


def serve(settings: Settings, check: Check, listening: socket) -> int:
    """Serve until it is stopped; the workers end with it, and what they ran goes on at the next start."""
    engine = open_engine(settings.store)
    place = Place(settings.data, settings.overrides, settings.budgets, settings.program)
    app = make_app(Service(Queue(engine), place, settings.tokens, check))
    config = uvicorn.Config(
        Limits(app), http=Protocol, log_level="warning", access_log=False, server_header=False, lifespan="off",
        limit_concurrency=CONNECTIONS, timeout_keep_alive=5, timeout_graceful_shutdown=5, ws="none",
    )  # fmt: skip
    # uvicorn raises the signal again after it has shut down: the workers are to be stopped first.
    signal.signal(signal.SIGTERM, _stop)
    stop = threading.Event()
    crew = threading.Thread(target=_keep, args=(settings, stop), name="workers")
    crew.start()
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        stop.set()
        crew.join()
        engine.dispose()
    return 0


def _stop(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


def _keep(settings: Settings, stop: threading.Event) -> None:
    """Keep the workers running."""
    workers = [_start(settings) for _ in range(settings.workers)]
    while not stop.wait(LOOK_SECONDS):
        workers = [worker if worker.poll() is None else _start(settings) for worker in workers]
    for worker in workers:
        worker.terminate()
    for worker in workers:
        with suppress(subprocess.TimeoutExpired):
            worker.wait(2 * GRACE_SECONDS)
        worker.kill()


def _start(settings: Settings) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "alpacabench.service.worker", "--store", settings.store, "--data"]
    command += [
        str(settings.data),
        "--program",
        settings.program,
        "--server",
        str(os.getpid()),
        *(f"--set={one}" for one in settings.overrides),
    ]
    command += [f"--budget={name}={usd}" for name, usd in settings.budgets.items()]
    # A group of its own: what stops the server by hand is told to the workers by the server.
    return subprocess.Popen(command, env=environment(), stdin=subprocess.DEVNULL, start_new_session=True)
