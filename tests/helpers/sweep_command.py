"""What the tests of sweeps share: a model that fails or is slow on purpose, and the runs that MLflow holds."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from alpacabench.core.errors import GenerationError
from alpacabench.decoding import Decoding
from alpacabench.model.base import Request
from alpacabench.model.echo import Echo
from alpacabench.sharding import Sharding
from alpacabench.store.ask_once import Reply

BASE = ("-m", "judge=longest", "subset=random", "subset.n=8", "model=echo")
FLAKY = "model._target_=tests.helpers.sweep_command.Flaky"


class Flaky(Echo):
    """Fails for the seeds in FAIL_SEEDS, and takes SLOW_SECONDS for each answer."""

    def ask(self, requests: list[Request], decoding: Decoding, sharding: Sharding) -> Iterable[Reply]:
        if str(decoding.seed) in os.environ.get("FAIL_SEEDS", "").split(","):
            raise GenerationError(f"the model broke at seed {decoding.seed} (key {os.environ.get('MY_API_KEY', '')})")
        for reply in super().ask(requests, decoding, sharding):
            time.sleep(float(os.environ.get("SLOW_SECONDS", "0")))
            yield reply


def runs(directory: Path, experiment: str = "alpacabench") -> tuple[list[Any], list[Any]]:
    """Return the parent runs and the other runs of an experiment in the local database."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{directory}/outputs/mlflow.db")
    found = client.get_experiment_by_name(experiment)
    every = client.search_runs([found.experiment_id], order_by=["attributes.start_time"], max_results=1000)
    parents = [run for run in every if "alpacabench.job" not in run.data.tags]
    return parents, [run for run in every if run not in parents]


def children(parent: Any, others: list[Any]) -> list[Any]:
    """Return the children of a run."""
    return [run for run in others if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]


def newest_sweep(directory: Path) -> Path:
    """Return the directory of the sweep that ran last."""
    return max((directory / "outputs" / "sweeps").iterdir(), key=lambda path: path.stat().st_mtime)
