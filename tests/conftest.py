"""Shared fixtures: the real data where it is at hand, isolation from the user's environment everywhere."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.mlflow_server import free_port

ROOT = Path(__file__).resolve().parents[1]
DRIVERS = {"psycopg": "postgresql+psycopg", "psycopg2": "postgresql+psycopg2"}

# Models and judges of the tests are named in configurations, also of fixtures that live longer than one test.
os.environ["ALPACABENCH_TRUSTED"] = "tests"


@pytest.fixture(scope="session")
def alpaca_data() -> Path:
    """Return the directory of the real AlpacaEval data; skips where it is absent."""
    path = Path(os.environ.get("ALPACABENCH_DATA", ROOT.parent / "shared" / "alpaca_eval"))
    if not (path / "df_gamed.csv").exists():
        pytest.skip("the real AlpacaEval data is absent: set ALPACABENCH_DATA")
    return path.resolve()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URI of a database of MLflow, migrated once for all tests of a file: that takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[str]:
    """An empty PostgreSQL database; its server refuses to run as root, so there it runs as nobody."""
    driver = next((name for module, name in DRIVERS.items() if importlib.util.find_spec(module)), None)
    # Debian keeps the server's programs out of the PATH.
    places = os.pathsep.join([os.environ["PATH"], *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin")))])
    initdb, pg_ctl = shutil.which("initdb", path=places), shutil.which("pg_ctl", path=places)
    if initdb is None or pg_ctl is None or driver is None:
        pytest.skip("needs PostgreSQL's initdb and pg_ctl, and psycopg: pip install 'alpacabench[postgres]'")
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


@pytest.fixture
def other_process() -> Iterator[str]:
    """Yield the owner's name of another process, which lives until the test ends."""
    script = "from alpacabench.store.owner import new_owner; print(new_owner(), flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    yield process.stdout.readline().strip()
    process.communicate("\n")


@pytest.fixture(autouse=True)
def isolated_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove keys and tracking settings of the person who runs the tests."""
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "MISTRAL_API_KEY", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
