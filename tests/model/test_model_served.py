"""`model=openai_compatible` against a real server: transformers' own `serve` with the default weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import pytest

from alpacabench.inference.weights.bundled import bundled_dir
from tests.helpers.command import run, succeed
from tests.helpers.mlflow_server import free_port as _free_port

PROMPTS = ["subset=head", "subset.n=8", "decoding.max_new_tokens=48", "judge=longest", "tracking=none"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the base URL of `transformers serve`, in float32 on the CPU."""
    from transformers.utils.import_utils import is_serve_available

    if not is_serve_available():
        pytest.skip("`transformers serve` lacks its packages: pip install 'transformers[serving]'")
    if not bundled_dir().is_dir():
        pytest.skip("the default weights are absent: python -m alpacabench.inference.weights")
    port, output = _free_port(), tmp_path_factory.mktemp("serve") / "log"
    command = [str(Path(sys.executable).with_name("transformers")), "serve", str(bundled_dir())]
    command += ["--device", "cpu", "--dtype", "float32", "--host", "127.0.0.1", "--port", str(port)]
    # One thread that does not spin: on a busy machine the default is many times slower.
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    with output.open("wb") as log, subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process:
        try:
            deadline = time.monotonic() + 180
            while not _healthy(port):
                assert process.poll() is None and time.monotonic() < deadline, output.read_text()
                time.sleep(0.5)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.kill()


def _healthy(port: int) -> bool:
    try:
        return bool(urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).status == 200)
    except (URLError, OSError):
        return False


def _answers(directory: Path, *overrides: str) -> dict[str, str]:
    directory.mkdir()
    assert succeed(directory, *PROMPTS, *overrides, env={"OMP_NUM_THREADS": "1"}, timeout=900)["n_generated"] == 8
    rows = json.loads((directory / "run" / "model_outputs.json").read_text())
    return {row["instruction"]: row["output"] for row in rows}


@pytest.mark.slow
def test_a_served_model_writes_the_greedy_text_of_the_same_model_in_process(server: str, tmp_path: Path) -> None:
    served = _answers(
        tmp_path / "served", "model=openai_compatible", f"model.path={bundled_dir()}", f"model.base_url={server}"
    )
    own = _answers(tmp_path / "own", "model=smollm2_135m", "model.device=cpu", "model.dtype=float32")
    assert len(own) == 8 and all(own.values())
    assert served == own


@pytest.mark.slow
def test_what_a_real_server_says_of_an_unknown_model_is_shown(server: str, tmp_path: Path) -> None:
    outcome = run(tmp_path, *PROMPTS, "model=openai_compatible", "model.path=another/model", f"model.base_url={server}")
    assert outcome.code == 1
    assert "HTTP 400" in outcome.text and "another/model" in outcome.text
