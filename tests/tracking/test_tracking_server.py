"""A real `mlflow server` over HTTP, on SQLite and PostgreSQL: a parallel sweep killed in the middle, then continued."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.command import ROOT, run
from tests.helpers.mlflow_server import mlflow_server
from tests.helpers.sweep_command import BASE, FLAKY

pytestmark = pytest.mark.cluster


@pytest.fixture(params=["sqlite", "postgres"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an `mlflow server`."""
    backend = f"sqlite:///{tmp_path}/m.db" if request.param == "sqlite" else request.getfixturevalue("postgres")
    with mlflow_server(backend, tmp_path) as address:
        yield address


def _runs(address: str) -> tuple[list[Any], list[Any]]:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(address)
    every = client.search_runs([client.get_experiment_by_name("alpacabench").experiment_id])
    parents = [r for r in every if "alpacabench.job" not in r.data.tags]
    return parents, [r for r in every if r.data.tags.get("mlflow.parentRunId") == parents[0].info.run_id]


def test_a_parallel_sweep_killed_in_the_middle_has_one_parent_and_every_child_once(server: str, tmp_path: Path) -> None:
    settings = {"MLFLOW_TRACKING_URI": server, "SLOW_SECONDS": "0.1"}
    command = (
        *BASE, FLAKY, "decoding=sampling", "decoding.temperature=0.5,0.9", "seed=range(0,12)",
        "hydra/launcher=processes", "hydra.launcher.n_jobs=3",
    )  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "run.py"), *command], cwd=tmp_path, env=os.environ | settings,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 900
    while time.monotonic() < deadline and len(list(tmp_path.glob("outputs/sweeps/*/*/job.json"))) < 6:
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    parents, _ = _runs(server)
    assert [r.info.status for r in parents] == ["RUNNING"]
    again = run(tmp_path, *command, env=settings, timeout=1800)
    assert again.code == 0 and server in again.stdout, again.text
    finished, children = _runs(server)
    assert [r.info.run_id for r in finished] == [r.info.run_id for r in parents] and len(children) == 24
    assert {r.info.status for r in (*finished, *children)} == {"FINISHED"}
    assert {r.data.tags.get("alpacabench.traces") for r in children} == {"8"}
    assert not (tmp_path / "outputs" / "mlflow.db").exists() and not (tmp_path / "outputs" / "spool").exists()
