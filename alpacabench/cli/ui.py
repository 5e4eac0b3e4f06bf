"""Show the tracked runs in MLflow's pages, on a free port, opened where the newest result is.

alpacabench ui
alpacabench ui --port 6006 --no-browser
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import webbrowser
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from alpacabench.core.errors import DataError
from alpacabench.security.redact import redact
from alpacabench.tracking.client import Unreachable, connect
from alpacabench.tracking.links import comparison
from alpacabench.tracking.runs import JOB, PARENT, SWEEP, find_sweep
from alpacabench.tracking.uri import sqlite_path, tracking_uri

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

PORT = 5000
TRIED = 50
"""Ports that are tried, from the given one on."""
START_SECONDS = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--port", type=int, default=PORT, help=f"the first port to try (default: {PORT})")
    parser.add_argument("--tracking-uri", metavar="URI", help="a database or a server (default: as for a run)")
    parser.add_argument("--no-browser", action="store_true", help="print the address alone")


def run(arguments: argparse.Namespace) -> int:
    """Print and open the page; for a database serve it until Ctrl+C. Returns 0.

    Raises:
        DataError: there is no database yet, or no port is free.

    """
    uri = tracking_uri(arguments.tracking_uri)
    path = sqlite_path(uri)
    if path and not path.is_file():
        raise DataError(f"--tracking-uri: {redact(uri)} does not exist yet\n    a first run makes it: alpacabench run")
    served = not uri.startswith(("http://", "https://"))
    where = f"http://127.0.0.1:{free_port(arguments.port)}" if served else uri
    try:
        address = page_that_matters(connect(uri), where)
    except Unreachable as error:
        raise DataError(f"--tracking-uri: nobody answers at {redact(uri)}: {error}") from error
    print(f"{redact(address)}" + ("  (Ctrl+C ends it)" if served else ""), flush=True)
    if not arguments.no_browser:
        threading.Thread(target=_open, args=(where, address), daemon=True).start()
    if not served:
        return 0
    port = where.rpartition(":")[2]
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri, "--port", port]
    with suppress(KeyboardInterrupt):
        return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return 0


def free_port(first: int) -> int:
    """Return the first free port of this machine from a given one on.

    Raises:
        DataError: none of fifty is free.

    """
    for port in range(first, first + TRIED):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise DataError(f"--port: none from {first} to {first + TRIED - 1} is free\n    give another one: --port 8080")


def page_that_matters(client: MlflowClient, where: str) -> str:
    """Return the address of the newest result: a sweep's comparison, else the runs of its experiment.

    Args:
        client: of the database or server.
        where: the address at which its pages are.

    """
    experiments = [str(one.experiment_id) for one in client.search_experiments()]
    newest: list[Any] = client.search_runs(experiments, order_by=["start_time DESC"], max_results=1)
    if not newest:
        return where
    run, experiment = newest[0], str(newest[0].info.experiment_id)
    tags = run.data.tags
    if SWEEP in tags and (PARENT in tags or JOB not in tags):
        jobs = find_sweep(client, experiment, tags[SWEEP]).jobs.values()
        if compared := comparison(where, experiment, [str(job.run_id) for job in jobs]):
            return compared
    return f"{where.rstrip('/')}/#/experiments/{experiment}/evaluation-runs"


def _open(where: str, address: str) -> None:
    """Open the page once the server answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError):
            urllib.request.urlopen(f"{where.rstrip('/')}/health", timeout=2).close()
            break
        time.sleep(0.5)
    webbrowser.open(address)
