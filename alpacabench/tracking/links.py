"""Addresses of MLflow's pages: of one run, and of the comparison of several."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

from alpacabench.security.password import without_login
from alpacabench.tracking.uri import is_databricks

UI = "http://127.0.0.1:5000"
"""Where `make ui` and `mlflow ui` show a database."""
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


def _base(uri: str) -> str:
    """Return where the pages are; a browser asks for the log-in itself."""
    return without_login(uri)[0].rstrip("/") if uri.startswith(("http://", "https://")) else UI
