"""SmolLM2-135M on 37 real prompts through the real `run.py`: the same text however it is split, one load a sweep."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from alpacabench.inference.weights.bundled import bundled_dir
from tests.helpers.command import metrics, run

pytestmark = pytest.mark.slow

PROMPTS = 37
LAYOUTS = {
    "one_worker": ("sharding=data_parallel", "sharding.num_processes=1"),
    "two_workers": ("sharding=data_parallel", "sharding.num_processes=2"),
    "three_workers": ("sharding=data_parallel", "sharding.num_processes=3"),
    "zero3_on_two": ("sharding=zero3", "sharding.num_processes=2"),
    "tensor_parallel_on_three": ("sharding=tensor_parallel", "sharding.num_processes=3"),
}


@pytest.fixture(scope="module")
def real(alpaca_data: Path) -> tuple[str, ...]:
    """Return the overrides that every run here shares: real prompts of mixed lengths, float32."""
    if not bundled_dir().exists():
        pytest.skip("the default model's weights are absent: make setup")
    return (
        "dataset=alpaca_eval", f"dataset.path={alpaca_data / 'gpt4_1106_preview.outputs.json.gz'}",
        "subset=stratified", f"subset.n={PROMPTS}", "judge=longest", "decoding.max_new_tokens=48",
    )  # fmt: skip


def _texts(directory: Path, *overrides: str) -> dict[str, str]:
    """Run one job in a directory of its own; returns the text of every prompt."""
    directory.mkdir()
    outcome = run(directory, *overrides, "tracking=none", timeout=7200)
    assert outcome.code == 0, outcome.text
    (job,) = (directory / "outputs" / "runs").iterdir()
    found = metrics(job)
    assert (found["n_generated"], found["n_failed"], found["n_total"]) == (PROMPTS, 0, PROMPTS)
    rows = json.loads((job / "model_outputs.json").read_text())
    texts = {row["instruction"]: row["output"] for row in rows}
    assert len(rows) == len(texts) == PROMPTS
    return texts


@pytest.fixture(scope="module", params=["greedy", "sampling"])
def alone(
    request: pytest.FixtureRequest, real: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[str, str]]:
    """Return a decoding and the texts of one process."""
    directory = tmp_path_factory.mktemp("alone") / "none"
    return request.param, _texts(directory, *real, f"decoding={request.param}", "sharding=none")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_split_writes_the_text_of_one_process(
    layout: str, alone: tuple[str, dict[str, str]], real: tuple[str, ...], tmp_path: Path
) -> None:
    decoding, expected = alone
    assert _texts(tmp_path / layout, *real, f"decoding={decoding}", *LAYOUTS[layout]) == expected


def test_a_degree_that_does_not_divide_the_heads_is_refused_before_anything_is_loaded(
    real: tuple[str, ...], tmp_path: Path
) -> None:
    outcome = run(tmp_path, *real, "sharding=tensor_parallel", "sharding.num_processes=2")
    assert outcome.code == 2
    assert "9 attention and 3 key-value heads" in outcome.text
    assert "must divide both: 1, 3" in outcome.text
    assert "Starting" not in outcome.text and "Loading" not in outcome.text


def test_a_sweep_over_four_decodings_loads_the_model_once_in_each_process(
    real: tuple[str, ...], tmp_path: Path
) -> None:
    started = time.monotonic()
    outcome = run(
        tmp_path, "-m", *real, "decoding.temperature=0.0,0.5,0.7,1.0", *LAYOUTS["two_workers"],
        f"hydra.sweep.dir={tmp_path}/sweep", timeout=7200,
    )  # fmt: skip
    wall = time.monotonic() - started
    assert outcome.code == 0, outcome.text
    jobs = [metrics(tmp_path / "sweep" / str(number)) for number in range(4)]
    assert [job["model_loads"] for job in jobs] == [1, 0, 0, 0]
    assert [job["n_generated"] for job in jobs] == [PROMPTS] * 4
    # The first job's generation includes the load.
    work = sum(job["generate_seconds"] for job in jobs)
    print(f"wall {wall:.1f} s, one load and four generations {work:.1f} s, ratio {wall / work:.3f}")
