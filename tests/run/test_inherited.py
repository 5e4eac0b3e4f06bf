"""Options that inherit another one's keys know them all, and are the jobs that they were."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra import compose

from alpacabench.cli.hydra_options import composing
from alpacabench.core.errors import ConfigError
from alpacabench.core.records import digest
from alpacabench.run import experiment as config
from alpacabench.run.inherited import INHERITED, as_first_released

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = json.loads((ROOT / "tests" / "data" / "store_keys_golden.json").read_text())["identities"]
FAMILIES = ("model", "judge", "dataset")


@pytest.fixture(scope="module", autouse=True)
def hydra_config() -> Iterator[None]:
    with composing():
        yield


def _identity(*overrides: str) -> str:
    cfg = compose("config", list(overrides), return_hydra_config=True)
    asked = as_first_released(config._resolve(cfg), dict(cfg.hydra.runtime.choices))
    return digest({key: value for key, value in asked.items() if key not in config.NOT_IDENTITY})


@pytest.mark.parametrize(
    "option", [pytest.param(o, marks=[] if o.startswith(FAMILIES) else [pytest.mark.slow]) for o in sorted(GOLDEN)]
)
def test_every_option_is_the_job_that_it_was(option: str) -> None:
    assert _identity(option) == GOLDEN[option]


@pytest.mark.parametrize("model", sorted(m for m, keys in INHERITED["model"].items() if "allow_pickle" in keys))
def test_a_preset_of_a_path_knows_every_key_of_hf(model: str) -> None:
    known, all_keys = (set(compose("config", [f"model={name}"]).model) for name in (model, "hf"))
    assert known == all_keys
    assert _identity(f"model={model}", "model.trust_remote_code=true") != _identity(f"model={model}")


def test_a_preset_takes_the_value_that_it_inherits(tmp_path: Path) -> None:
    cfg = compose("config", ["model=qwen", "model.trust_remote_code=true", "judge=longest", "tracking=none"])
    assert cfg.model.trust_remote_code
    try:
        config.load(cfg, {"model": "qwen"})
    except ConfigError as error:
        assert not [problem for problem in error.problems if "trust_remote_code" in problem.where]
