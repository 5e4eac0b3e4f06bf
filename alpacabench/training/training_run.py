"""The MLflow run of a training: its evaluations are shown under it, and their win rate is a curve of its own."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

CURVES = ("win_rate", "win_rate_ci_low", "win_rate_ci_high", "length_controlled_winrate", "avg_length", "n_failed")
"""Metrics of an evaluation that the training run shows by step."""


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """A run that is no job of ours."""

    run_id: str
    experiment: str
    """Name."""
    uri: str

    @classmethod
    def find(cls, run_id: str | None = None) -> TrainingRun | None:
        """Return the given run, or the active one of this thread; None where there is none.

        Raises:
            mlflow.exceptions.MlflowException: there is no run of that id.

        """
        # A process that has an active run has imported mlflow; another one must not wait for the import.
        if run_id is None and "mlflow" not in sys.modules:
            return None
        import mlflow

        run = mlflow.get_run(run_id) if run_id else mlflow.active_run()
        if run is None:
            return None
        experiment = mlflow.get_experiment(run.info.experiment_id)
        return cls(str(run.info.run_id), str(experiment.name), str(mlflow.get_tracking_uri()))

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Add an evaluation's metrics to the curves `alpacabench/...`."""
        from mlflow.entities import Metric
        from mlflow.tracking import MlflowClient

        now = round(time.time() * 1000)
        found = [Metric(f"alpacabench/{name}", metrics[name], now, step) for name in CURVES if name in metrics]
        MlflowClient(self.uri).log_batch(self.run_id, found)
