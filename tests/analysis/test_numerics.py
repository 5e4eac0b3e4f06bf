"""Runs in other numerics are compared with a word on them: what they do alone, or that it cannot be told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpacabench.analysis.finished_run import read_run
from alpacabench.analysis.numerics import mixed, of_sweep
from alpacabench.analysis.sweep.scored import read_jobs
from alpacabench.io.manifest import JobResult, Manifest, label
from alpacabench.sweeps.conclude import conclude
from tests.helpers.finished_runs import alpacabench, write_run

HF = {"_target_": "alpacabench.model.hf.HuggingFace", "path": "m", "dtype": None, "quantization": None, "device": None}
VLLM = {"_target_": "alpacabench.model.vllm.Vllm", "path": "m", "dtype": None, "quantization": None}


def computed(folder: Path, preferences: list[float], model: dict[str, Any], **decoding: float) -> Path:
    """Write a finished run of a model with this configuration."""
    path = write_run(folder, preferences)
    config = json.loads((path / ".hydra" / "config.yaml").read_text()) | {"model": model, "decoding": decoding}
    (path / ".hydra" / "config.yaml").write_text(json.dumps(config))
    known = {"n_total": len(preferences), "win_rate": (sum(preferences) / len(preferences) - 1) * 100}
    (path / "metrics.json").write_text(json.dumps(known))
    (path / "verdicts.jsonl").write_text("")
    return path


@pytest.mark.parametrize(
    ("model", "temperature", "told"),
    [
        (HF | {"dtype": "bfloat16"}, 0.0, "dtype: the default and bfloat16), and by their configurations in nothing"),
        (HF | {"quantization": "4bit"}, 0.7, "quantization: the default and 4bit), and in more"),
        (VLLM, 0.0, "backend: hf and vllm), and by their configurations in nothing else"),
        (HF | {"dtype": "float16", "path": "other"}, 0.0, "cannot be told from these two"),
        (HF, 0.7, ""),
        ({"_target_": "alpacabench.model.api.Api", "path": "m"}, 0.0, ""),
    ],
)  # fmt: skip
def test_compare_names_numerics_and_whether_anything_else_differs(
    model: dict[str, Any], temperature: float, told: str, tmp_path: Path
) -> None:
    y = [1.0, 2.0] * 20
    one = computed(tmp_path / "a", y, HF, temperature=0.0)
    other = computed(tmp_path / "b", y[::-1], model, temperature=temperature)
    done = alpacabench("compare", one, other, "--json")
    assert done.returncode == 0, done.stderr
    notes = " ".join(json.loads(done.stdout)["notes"])
    assert told in notes if told else "numerics" not in notes, notes


def test_a_sweep_says_what_numerics_do_between_jobs_that_differ_in_nothing_else(tmp_path: Path) -> None:
    rng, results, y = np.random.default_rng(0), [], {}
    for number, (dtype, temperature) in enumerate(
        [("float32", 0.0), ("bfloat16", 0.0), ("float32", 0.7), ("bfloat16", 0.7)]
    ):
        y[number] = 1.0 + (rng.random(200) < 0.4)
        path = computed(tmp_path / str(number), y[number].tolist(), HF | {"dtype": dtype}, temperature=temperature)
        params = {"model.dtype": dtype, "decoding.temperature": str(temperature)}
        results.append((JobResult(number, label(params), str(number), params, "finished"), path))
    effect = 50 * float(np.mean(y[1] - y[0] + y[3] - y[2]))
    (found,) = of_sweep(read_jobs(results))
    assert found.alone[0].change == "dtype bfloat16 instead of float32"
    assert found.alone[0].effect.value == pytest.approx(effect)
    manifest = Manifest("f" * 64, "s", None, ["model.dtype", "decoding.temperature"], {}, {})
    page = conclude(manifest, results, 0, tmp_path, None)[1][1].read_text()
    assert "The jobs differ in numerics (dtype: float32 and bfloat16). Between jobs that differ in nothing else" in page
    (confounded,) = of_sweep(read_jobs([results[0], results[3]]))
    assert confounded.alone == ()
    assert mixed([read_run(str(path)) for _, path in results[::2]]) == {}
