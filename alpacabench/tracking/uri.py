"""Where runs go: the tracking URI, its artifacts, and whether anybody answers there."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from alpacabench.core.context import current
from alpacabench.core.errors import Problem
from alpacabench.security.password import without_login

LOCAL = "sqlite:///outputs/mlflow.db"

SQLITE = "sqlite:///"
SCHEMES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https")
"""What MLflow's own stores understand; a plugin may know more."""

DATABRICKS = "databricks"
CATALOGUE = "databricks-uc"
EXPERIMENT_LENGTH = 500

ANSWER_SECONDS = 5.0
"""How long a server may take to answer before it counts as unreachable."""
LOCKED_SECONDS = 60.0
"""How long another process may write to a SQLite database before that counts as unusable."""


def tracking_uri(uri: str | None) -> str:
    """Return the URI in force: the given one, MLFLOW_TRACKING_URI, or the local database, with an absolute path."""
    chosen = uri or os.environ.get("MLFLOW_TRACKING_URI") or LOCAL
    path, mark, options = chosen.removeprefix(SQLITE).partition("?")
    return f"{SQLITE}{current().directory / path}{mark}{options}" if chosen.startswith(SQLITE) else chosen


def artifact_location(uri: str) -> str | None:
    """Return where a new experiment's artifacts go; None where the server decides.

    Beside a SQLite database; for another database, below outputs/ (MLflow's own default is ./mlruns).
    """
    if urlsplit(uri).scheme in ("http", "https") or is_databricks(uri):
        return None
    path = sqlite_path(uri)
    return ((path.parent if path else current().directory / "outputs") / "artifacts").as_uri()


def check(uri: str | None) -> Iterator[Problem]:
    """Yield a URI that MLflow cannot use."""
    chosen = uri or os.environ.get("MLFLOW_TRACKING_URI") or LOCAL
    key = "tracking.uri" if uri else "MLFLOW_TRACKING_URI"
    use = "give a database (sqlite:///DIR/mlflow.db) or a server (http://HOST:PORT)"
    try:
        parts = urlsplit(chosen)
        _ = parts.port
    except ValueError:
        # The URI is not repeated: what cannot be taken apart may show its password.
        yield Problem(key, "is a URI that cannot be read", "quote what is special in a password: %2F for /, %23 for #")
        return
    if is_databricks(chosen):
        return
    if is_catalogue(chosen):
        what = f"given '{chosen}', Databricks' model registry, in which no runs are tracked"
        profile = chosen.partition("://")[2]
        remedy = f"give '{DATABRICKS}{'://' + profile if profile else ''}'; the registry is MLFLOW_REGISTRY_URI's"
        yield Problem(key, what, remedy)
        return
    scheme = parts.scheme.partition("+")[0]
    if scheme == "" and chosen.endswith((".db", ".sqlite")):
        yield Problem(key, f"given '{chosen}', a path and no URI", f"give it as one: {key}=sqlite:///{chosen}")
    elif scheme in ("", "file"):
        yield Problem(key, f"given '{chosen}', a directory, which MLflow no longer writes to", use)
    elif scheme not in (*SCHEMES, *_plugged_in()):
        yield Problem(key, f"given a URI of the unknown scheme '{parts.scheme}'", use)


def is_databricks(uri: str) -> bool:
    """Return whether it is MLflow's own word for a Databricks workspace: `databricks`, `databricks://PROFILE`."""
    return uri == DATABRICKS or uri.startswith(f"{DATABRICKS}://")


def is_catalogue(uri: str) -> bool:
    """Return whether it is MLflow's word for the registry in Databricks' Unity Catalog, of models and prompts."""
    return uri == CATALOGUE or uri.startswith(f"{CATALOGUE}://")


def check_experiment(uri: str | None, experiment: str) -> Iterator[Problem]:
    """Yield a name of an experiment that MLflow does not take there."""
    if len(experiment) > EXPERIMENT_LENGTH:
        what = f"has {len(experiment)} characters"
        yield Problem("tracking.experiment", what, f"MLflow takes {EXPERIMENT_LENGTH}")
    if is_databricks(tracking_uri(uri)) and not experiment.startswith("/"):
        what = f"given '{experiment}', and in Databricks an experiment is a path of the workspace"
        remedy = f"give '/Users/NAME/{experiment}'; or log elsewhere with tracking.uri, or nowhere with tracking=none"
        yield Problem("tracking.experiment", what, remedy)


@lru_cache(maxsize=1)
def _plugged_in() -> frozenset[str]:
    from importlib.metadata import entry_points

    return frozenset(point.name for point in entry_points(group="mlflow.tracking_store"))


def unreachable(uri: str) -> str | None:
    """Return why nobody answers at the URI, after at most a few seconds; None where somebody does.

    MLflow itself would try again for minutes before it gives up.
    """
    parts = urlsplit(uri)
    if is_databricks(uri):
        return None  # Where it is, and who may ask, is for MLflow and the Databricks SDK to find out.
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


def unwritable(uri: str) -> str | None:
    """Return why a SQLite database cannot be opened or made; None where it can, or where it is no SQLite database.

    MLflow itself would try for a minute before it gives up.
    """
    path = sqlite_path(uri)
    if path is None:
        return None
    try:
        place = next(parent for parent in path.parents if parent.exists())
        # Tried, for a superuser may seem to be allowed everything; nothing is left behind.
        with tempfile.TemporaryDirectory(dir=place):
            pass
        if path.exists():
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", LOCKED_SECONDS, uri=True)) as database:
                database.execute("PRAGMA schema_version")
    except (OSError, sqlite3.Error) as error:
        return f"it cannot be opened or made ({getattr(error, 'strerror', None) or error})"
    return None


def sqlite_path(uri: str) -> Path | None:
    """Return the file of a SQLite database; None for any other URI."""
    if not uri.startswith(SQLITE):
        return None
    return current().directory / uri.removeprefix(SQLITE).partition("?")[0]


def _no_server(uri: str) -> str | None:
    """Ask with MLflow's own settings for TLS; requests itself knows those for proxies and certificates."""
    import requests

    bare, login = without_login(uri)
    insecure = os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("true", "1")
    verify: bool | str | None = False if insecure else os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or None
    certificate = os.environ.get("MLFLOW_TRACKING_CLIENT_CERT_PATH")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a certificate that is not looked at: the user said so
            # Somebody answers, whatever the status: a server behind a proxy, or one that wants a log-in. One that
            # redirects elsewhere does not hand the password on.
            requests.get(
                f"{bare.rstrip('/')}/health", headers=login, timeout=ANSWER_SECONDS, verify=verify, cert=certificate,
                allow_redirects=False, stream=True,
            ).close()  # fmt: skip
    except (OSError, ValueError) as error:
        return str(_root(error))
    return None


def _root(error: BaseException) -> BaseException:
    """Return the reason below what requests and urllib3 wrap around it."""
    inner = getattr(error, "reason", None) or next((arg for arg in error.args if isinstance(arg, Exception)), None)
    return _root(inner) if isinstance(inner, BaseException) else error
