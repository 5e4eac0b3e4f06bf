"""Shared fixtures: the real data where it is at hand, isolation from the user's environment everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

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
