"""Addresses of MLflow's pages: of one run, and of the comparison of several."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from alpacabench.core.context import current
from alpacabench.security.password import without_login
from alpacabench.tracking.uri import is_databricks, sqlite_path

PORT = 5000
"""Where `alpacabench ui` shows a database until it has shown it at another port."""
COMPARED = 100
"""Runs that one comparison shows; more make an address that browsers and tags cut."""


def run_page(uri: str, experiment: str, run_id: str) -> str | None:
    """Return the address of a run's page; None where the server's pages have addresses of their own."""
    return None if is_databricks(uri) else f"{_base(uri)}/#/experiments/{experiment}/runs/{run_id}"


def queues_page(uri: str, experiment: str) -> str | None:
    """Return the address of an experiment's review queues; None where the server has others."""
    return None if is_databricks(uri) else f"{_base(uri)}/#/experiments/{experiment}/review-queue"


def comparison(uri: str, experiment: str, runs: Sequence[str]) -> str | None:
    """Return the address of the page that compares these runs, the first hundred of them; None for fewer than two."""
    if is_databricks(uri) or len(runs) < 2:
        return None
    shown = quote(json.dumps(list(runs[:COMPARED]), separators=(",", ":")))
    return f"{_base(uri)}/#/compare-runs?runs={shown}&experiments={quote(json.dumps([experiment]))}"


def ui_port(uri: str) -> int:
    """Return the port at which `alpacabench ui` showed this database last: links in pages name it."""
    try:
        port = int(_port_file(uri).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return PORT
    return port if 0 < port < 65536 else PORT


def remember_port(uri: str, port: int) -> None:
    """Keep the port for links that are written from now on; where that cannot be kept, they name the one before."""
    with suppress(OSError):
        _port_file(uri).write_text(str(port), encoding="ascii")


def _port_file(uri: str) -> Path:
    """Return the file beside a SQLite database; for another one in outputs/."""
    place = sqlite_path(uri) or current().directory / "outputs" / "mlflow"
    return place.with_name(f"{place.name}.port")


def _base(uri: str) -> str:
    """Return where the pages are; a browser asks for the log-in itself."""
    if uri.startswith(("http://", "https://")):
        return without_login(uri)[0].rstrip("/")
    return f"http://127.0.0.1:{ui_port(uri)}"
