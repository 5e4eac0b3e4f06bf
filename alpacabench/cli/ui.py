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
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from alpacabench.core.errors import DataError
from alpacabench.security.redact import redact
from alpacabench.tracking.client import Unreachable, connect
from alpacabench.tracking.links import PORT, comparison, remember_port, ui_port
from alpacabench.tracking.runs import JOB, PARENT, SWEEP, find_sweep
from alpacabench.tracking.uri import sqlite_path, tracking_uri

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

TRIED = 50
"""Ports that are tried, from the given one on."""
START_SECONDS = 60.0
ANSWER_SECONDS = 3.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "--port", type=int, help=f"the first port to try (default: the last one that was used, else {PORT})"
    )
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
    try:
        client = connect(uri)
    except Unreachable as error:
        raise DataError(f"--tracking-uri: nobody answers at {redact(uri)}: {error}") from error
    before, where = ui_port(uri), uri
    if served:
        wanted = arguments.port or before
        there = f"http://127.0.0.1:{wanted}"
        served = not _shows(there, client)
        where = f"http://127.0.0.1:{free_port(wanted)}" if served else there
    address = page_that_matters(client, where)
    print(f"{redact(address)}" + ("  (Ctrl+C ends it)" if served else ""), flush=True)
    if not arguments.no_browser:
        threading.Thread(target=_open, args=(where, address), daemon=True).start()
    if not served:
        return 0
    port = where.rpartition(":")[2]
    if int(port) != before:
        print(f"Links in pages that were written before name port {before}, those from now on {port}.", flush=True)
    remember_port(uri, int(port))
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri, "--port", port]
    with suppress(KeyboardInterrupt):
        return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return 0


def _shows(where: str, client: MlflowClient) -> bool:
    """Return whether an MLflow at this address has the newest run of this database: it is shown there already."""
    newest = _newest(client)
    if newest is None:
        return False
    asked = f"{where}/api/2.0/mlflow/runs/get?run_id={newest.info.run_id}"
    try:
        with urllib.request.urlopen(asked, timeout=ANSWER_SECONDS) as answer:
            return newest.info.run_id.encode() in answer.read(1_000_000)
    except (OSError, ValueError, HTTPException):
        return False


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
    run = _newest(client)
    if run is None:
        return where
    experiment, tags = str(run.info.experiment_id), run.data.tags
    if SWEEP in tags and (PARENT in tags or JOB not in tags):
        jobs = find_sweep(client, experiment, tags[SWEEP]).jobs.values()
        if compared := comparison(where, experiment, [str(job.run_id) for job in jobs]):
            return compared
    return f"{where.rstrip('/')}/#/experiments/{experiment}/evaluation-runs"


def _newest(client: MlflowClient) -> Any:
    """Return the run that was started last; None where there is none."""
    experiments = [str(one.experiment_id) for one in client.search_experiments()]
    return next(iter(client.search_runs(experiments, order_by=["start_time DESC"], max_results=1)), None)


def _open(where: str, address: str) -> None:
    """Open the page once the server answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError):
            urllib.request.urlopen(f"{where.rstrip('/')}/health", timeout=2).close()
            break
        time.sleep(0.5)
    webbrowser.open(address)
