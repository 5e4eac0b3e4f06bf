"""A real `mlflow server` over HTTP, on SQLite and PostgreSQL: a parallel sweep killed in the middle, then continued."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.command import ROOT, run
from tests.helpers.mlflow_server import free_port, mlflow_server
from tests.helpers.sweep_command import BASE, FLAKY

pytestmark = pytest.mark.cluster
DRIVERS = {"psycopg": "postgresql+psycopg", "psycopg2": "postgresql+psycopg2"}


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[str]:
    """An empty PostgreSQL database; its server refuses to run as root, so there it runs as nobody."""
    driver = next((name for module, name in DRIVERS.items() if importlib.util.find_spec(module)), None)
    # Debian keeps the server's programs out of the PATH.
    places = os.pathsep.join([os.environ["PATH"], *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin")))])
    initdb, pg_ctl = shutil.which("initdb", path=places), shutil.which("pg_ctl", path=places)
    if initdb is None or pg_ctl is None or driver is None:
        pytest.skip("needs PostgreSQL's initdb and pg_ctl, and psycopg: pip install 'alpacabench[postgres]'")
    import tempfile

    home, port = Path(tempfile.mkdtemp()), free_port()
    as_user = ["runuser", "-u", "nobody", "--"] if os.getuid() == 0 else []
    if as_user:
        shutil.chown(home, "nobody")
    options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1"
    subprocess.run([*as_user, initdb, "-D", home / "db", "-A", "trust", "-U", "me"], check=True, capture_output=True)
    start = [*as_user, pg_ctl, "-D", home / "db", "-o", options, "-l", home / "log", "-w", "start"]
    subprocess.run(start, check=True, stdout=subprocess.DEVNULL)
    try:
        yield f"{driver}://me@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*as_user, pg_ctl, "-D", home / "db", "-m", "immediate", "stop"], stdout=subprocess.DEVNULL)
        shutil.rmtree(home)


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
