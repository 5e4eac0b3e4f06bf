"""Figures that are found of a tracked run later, such as with people's labels."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

from alpacabench.core.errors import DataError
from alpacabench.security.redact import first_line, redact
from alpacabench.tracking import uri as tracking
from alpacabench.tracking.refusals import names


def log_figures(run_id: str, figures: Mapping[str, float], uri: str | None) -> None:
    """Add metrics to an MLflow run.

    Raises:
        DataError: MLflow does not take them; names the run and the reason.

    """
    from mlflow.entities import Metric
    from mlflow.exceptions import MlflowException

    from alpacabench.tracking.client import connect

    where, now = tracking.tracking_uri(uri), round(time.time() * 1000)
    known = names(list(figures))
    metrics = [Metric(known[name], float(value), now, 0) for name, value in figures.items() if math.isfinite(value)]
    try:
        connect(where).log_batch(run_id, metrics=metrics)
    except MlflowException as error:
        raise DataError(
            f"RUN: MLflow run {run_id} at {redact(where)} does not take the figures: {first_line(error)}\n"
            "    set MLFLOW_TRACKING_URI or --tracking-uri"
        ) from error
