"""Where the weights are: ZeRO-3 partitions them while loading, and offloading them changes no text."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from alpacabench import inference as worker
from alpacabench import sharding
from alpacabench.core.records import digest
from alpacabench.inference import loading, pool
from alpacabench.inference.spec import ChatFormat, DecodeSpec, ModelSpec, Plan, Task
from alpacabench.sharding import Sharding
from tests.helpers.mlflow_server import free_port as _free_port
from tests.helpers.tiny import build_tiny

ROOT = Path(__file__).resolve().parents[2]

PARTITIONED = """
import json, os, sys
import psutil
from alpacabench.inference import placement
from alpacabench.inference.loading import peak_bytes
from alpacabench.inference.spec import ModelSpec, Plan
import accelerate, deepspeed, torch, transformers
from transformers import modeling_utils
found = {}
read = modeling_utils._load_state_dict_into_zero3_model

def reading(model, *values, **more):
    found["gathered_before_reading"] = sum(p.numel() for p in model.parameters())
    return read(model, *values, **more)

modeling_utils._load_state_dict_into_zero3_model = reading
before = psutil.Process().memory_info().rss
loaded, _ = placement.zero3(ModelSpec(sys.argv[1], device="cpu"), Plan("zero3", 2), True)
parameters = list(loaded.model.parameters())
print(json.dumps(found | {
    "whole": sum(p.ds_numel for p in parameters),
    "held": sum(p.ds_tensor.numel() for p in parameters),
    "gathered": sum(p.numel() for p in parameters),
    "grown": peak_bytes() - before,
}), flush=True)
os._exit(0)
"""


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelSpec]:
    yield ModelSpec(str(build_tiny(tmp_path_factory.mktemp("tiny"))))
    pool.close()


def texts(spec: ModelSpec, plan: Plan) -> dict[str, str]:
    asked = [Task(digest(i), (("user", f"Say {'x' * (i * 37 % 90)} {i}"),)) for i in range(5)]
    answers = list(worker.open_backend(spec, plan).generate(asked, DecodeSpec(12), ChatFormat(), 4))
    assert len(answers) == len(asked)
    return {answer.key: answer.text for answer in answers}


@pytest.mark.slow
def test_zero3_partitions_the_weights_while_they_are_read(tmp_path: Path) -> None:
    sizes = {"hidden_size": 1024, "intermediate_size": 2816, "num_hidden_layers": 16}
    model = build_tiny(tmp_path / "large", num_attention_heads=8, **sizes)
    weights = (model / "model.safetensors").stat().st_size
    assert weights > 600e6
    port = str(_free_port())
    ranks = []
    for rank in range(2):
        environment = os.environ | {
            "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2",
            "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        command = [sys.executable, "-c", PARTITIONED, str(model)]
        ranks.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True))
    found = []
    for process in ranks:
        output, _ = process.communicate(timeout=1200)
        assert process.returncode == 0
        found.append(json.loads(output.splitlines()[-1]))
    print(f"weights {weights / 1e6:.0f} MB; grown by {[round(f['grown'] / 1e6) for f in found]} MB")
    for rank in found:
        assert rank["whole"] * 4 == pytest.approx(weights, rel=0.01)
        assert rank["held"] == pytest.approx(rank["whole"] / 2, rel=0.01)
        assert rank["gathered_before_reading"] == rank["gathered"] == 0
    # Rank 0 maps the file and hands out the parts. The whole model first, and its half then, took 1.7.
    assert found[1]["grown"] < 1.6 * weights


@pytest.mark.slow
@pytest.mark.parametrize("offload", ["cpu", "nvme"])
def test_zero3_with_offloaded_weights_gives_the_same_text(spec: ModelSpec, tmp_path: Path, offload: str) -> None:
    if offload == "nvme" and not sharding._has_header("libaio.h"):
        pytest.skip("libaio.h is absent: apt install libaio-dev")
    plan = Plan("zero3", 2, offload=offload, offload_folder=str(tmp_path / "nvme"))  # type: ignore[arg-type]
    assert texts(spec, plan) == texts(spec, Plan())
    pool.close()


@pytest.mark.parametrize("room", ["60KB", "10GB"])
def test_weights_that_wait_on_disk_or_in_ram_give_the_same_text(spec: ModelSpec, tmp_path: Path, room: str) -> None:
    plan = Plan("device_map", max_memory=(("cpu", room),), offload_folder=str(tmp_path / "offload"))
    assert texts(spec, plan) == texts(spec, Plan())
    devices = {str(parameter.device) for parameter in loading.resident(spec, plan).model.parameters()}
    assert ("meta" in devices) == (room == "60KB")


def test_nvme_without_libaio_is_refused_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    values = Sharding(mode="zero3", num_processes=2, offload="nvme", offload_folder="/tmp/offload")
    monkeypatch.setattr(sharding, "_has_header", lambda name: False)
    assert any("apt install libaio-dev" in problem.remedy for problem in values.problems())
    monkeypatch.setattr(sharding, "_has_header", lambda name: True)
    assert not [problem for problem in values.problems() if "offload" in problem.where]
