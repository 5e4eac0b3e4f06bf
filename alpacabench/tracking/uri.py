"""Where runs go: the tracking URI, its artifacts, and whether anybody answers there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from alpacabench.errors import Problem

LOCAL = "sqlite:///outputs/mlflow.db"

ANSWER_SECONDS = 5.0
"""How long a server may take to answer before it counts as unreachable."""


def tracking_uri(uri: str | None) -> str:
    """Return the URI in force: the given one, MLFLOW_TRACKING_URI, or the local database, with an absolute path."""
    chosen = uri or os.environ.get("MLFLOW_TRACKING_URI") or LOCAL
    path = _sqlite_path(chosen)
    return f"sqlite:///{path}" if path else chosen


def artifact_location(uri: str) -> str | None:
    """Return where a new experiment's artifacts go; None where the server decides.

    Beside a SQLite database; for another database, below outputs/ (MLflow's own default is ./mlruns).
    """
    if urlsplit(uri).scheme in ("http", "https"):
        return None
    path = _sqlite_path(uri)
    return ((path.parent if path else original_directory() / "outputs") / "artifacts").as_uri()


def check(uri: str | None) -> Iterator[Problem]:
    """Yield a URI that MLflow cannot use."""
    chosen = uri or os.environ.get("MLFLOW_TRACKING_URI") or LOCAL
    key = "tracking.uri" if uri else "MLFLOW_TRACKING_URI"
    scheme = urlsplit(chosen).scheme.partition("+")[0]
    if scheme in ("", "file"):
        what = f"given '{chosen}', a directory, which MLflow no longer writes to"
        yield Problem(key, what, "give a database (sqlite:///DIR/mlflow.db) or a server (http://HOST:PORT)")


def unreachable(uri: str) -> str | None:
    """Return why nobody answers at the URI, after at most a few seconds; None where somebody does.

    MLflow itself would try again for minutes before it gives up.
    """
    parts = urlsplit(uri)
    if parts.scheme in ("http", "https"):
        return _no_server(uri)
    if parts.hostname:
        import socket

        ports = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
        port = parts.port or ports.get(parts.scheme.partition("+")[0], 0)
        try:
            socket.create_connection((parts.hostname, port), ANSWER_SECONDS).close()
        except OSError as error:
            return str(error)
    return None


def original_directory() -> Path:
    """Return the directory that the command was called in: Hydra and launchers may have changed it since."""
    from hydra.core.hydra_config import HydraConfig

    return Path(HydraConfig.get().runtime.cwd) if HydraConfig.initialized() else Path.cwd()


def _sqlite_path(uri: str) -> Path | None:
    if not uri.startswith("sqlite:///"):
        return None
    return original_directory() / uri.removeprefix("sqlite:///")


def _no_server(uri: str) -> str | None:
    import urllib.error
    import urllib.request

    try:
        urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=ANSWER_SECONDS).close()
    except urllib.error.HTTPError:
        return None  # Somebody answers: a server behind a proxy, or one that wants a log-in.
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error))
    return None
