"""Figures that are found of a tracked run later, such as with people's labels."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path

from alpacabench.core.errors import DataError
from alpacabench.io.audit import AUDIT, read_record
from alpacabench.security.redact import first_line, redact
from alpacabench.tracking import uri as tracking
from alpacabench.tracking.addressee import addressee
from alpacabench.tracking.client import Unreachable, connect
from alpacabench.tracking.refusals import names


def log_figures(run_id: str, figures: Mapping[str, float], uri: str | None) -> None:
    """Add metrics to an MLflow run.

    Raises:
        DataError: MLflow does not take them; names the run and the reason.

    """
    from mlflow.entities import Metric
    from mlflow.exceptions import MlflowException

    where, now = tracking.tracking_uri(uri), round(time.time() * 1000)
    known = names(list(figures))
    metrics = [Metric(known[name], float(value), now, 0) for name, value in figures.items() if math.isfinite(value)]
    try:
        if (database := tracking.sqlite_path(where)) and not database.is_file():
            raise Unreachable(f"no such file: {database}")
        connect(where).log_batch(run_id, metrics=metrics)
    except (MlflowException, Unreachable) as error:
        raise DataError(
            f"RUN: MLflow run {run_id} at {redact(where)} does not take the figures: {first_line(error)}\n"
            "    set MLFLOW_TRACKING_URI or --tracking-uri"
        ) from error


def log_figures_beside(directory: Path, figures: Mapping[str, float], uri: str | None) -> str | None:
    """Add metrics to the MLflow run of which a directory holds the files; return its id, None where there is none.

    Args:
        directory: of the run, whose record says under which id it is tracked, and where.
        figures: by name.
        uri: where it is tracked, if not there.

    Raises:
        DataError: MLflow does not take them.
        StageError: the record alone would say who gets a password or token.

    """
    try:
        tracked = read_record(directory / AUDIT).get("tracked")
    except DataError:
        return None
    if not isinstance(tracked, dict) or not isinstance(run_id := tracked.get("run_id"), str):
        return None
    log_figures(run_id, figures, addressee(directory / AUDIT, str(tracked.get("uri")), uri, "--tracking-uri"))
    return run_id
