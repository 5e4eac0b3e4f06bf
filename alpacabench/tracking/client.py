"""MLflow's client: opened once per process, without noise, and the experiment that runs go to."""

from __future__ import annotations

import logging
import os
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

from alpacabench.core.errors import ConfigError, Problem
from alpacabench.security.redact import remember
from alpacabench.tracking.fresh_database import make_whole
from alpacabench.tracking.lock import one_at_a_time
from alpacabench.tracking.uri import artifact_location, sqlite_path, unreachable, unwritable

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


class Unreachable(Exception):
    """Nobody answers at the tracking URI."""


@lru_cache(maxsize=8)
def connect(uri: str) -> MlflowClient:
    """Return the client, with the database created and migrated.

    Raises:
        Unreachable: nobody answers there.

    """
    remember(uri)
    reason = unreachable(uri) or unwritable(uri)
    if reason is not None:
        raise Unreachable(reason)
    # MLflow would try a server that went away seven times with growing pauses: a run must not hang on it.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow.tracking import MlflowClient

        # What cannot be sent is told once, in our words.
        for name in ("mlflow", "alembic", "urllib3.connectionpool"):
            logging.getLogger(name).setLevel(logging.ERROR)
        with one_at_a_time(uri):
            if path := sqlite_path(uri):
                make_whole(path)
            return MlflowClient(tracking_uri=uri)


@lru_cache(maxsize=64)
def experiment_id(uri: str, name: str) -> str:
    """Return the experiment's id; the experiment is created where it does not exist.

    Raises:
        ConfigError: the experiment was deleted.

    """
    from mlflow.exceptions import MlflowException

    client = connect(uri)
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name, artifact_location(uri)))
        except MlflowException:
            # Another process was faster.
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        remedy = "choose another name, or restore it in the MLflow UI (or: mlflow experiments restore -x ID)"
        raise ConfigError([Problem("tracking.experiment", f"'{name}' was deleted in MLflow", remedy)])
    return str(found.experiment_id)
