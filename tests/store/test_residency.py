"""The model and a local judge are up together where memory holds both, and one after the other where it does not."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alpacabench import inference as worker
from alpacabench.core.errors import GenerationError
from alpacabench.inference import loading, pool
from alpacabench.inference.spec import ChatFormat, Choice, DecodeSpec, ModelSpec, Plan, Task
from tests.helpers.tiny import build_tiny

TASK = Task("ab" * 32, (("user", "Say something."),))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return build_tiny(tmp_path_factory.mktemp("model")), build_tiny(tmp_path_factory.mktemp("judge"), seed=1)


@pytest.fixture
def specs(folders: tuple[Path, Path]) -> Iterator[tuple[ModelSpec, ModelSpec]]:
    """Two models, none of them up before or after."""
    loading.unload()
    pool.close()
    yield ModelSpec(str(folders[0])), ModelSpec(str(folders[1]))
    pool.close()
    loading.unload()


def write(spec: ModelSpec, plan: Plan | None = None) -> str:
    (answer,) = worker.open_backend(spec, plan).generate([TASK], DecodeSpec(8), ChatFormat())
    return answer.text


def weigh(spec: ModelSpec) -> int:
    """Judge with a model, wherever it is up; returns how many models were loaded for it."""
    before = worker.loads()
    choice = Choice(TASK.key, TASK.messages, ("A", "B"))
    (answer,) = worker.open_backend(spec).choose([choice], ChatFormat())
    assert answer.failure is None
    return worker.loads() - before


def test_both_stay_where_memory_holds_both(specs: tuple[ModelSpec, ModelSpec]) -> None:
    model, judge = specs
    write(model)
    assert weigh(judge) == 1
    before = worker.loads()
    write(model)
    assert weigh(judge) == worker.loads() - before == 0


def test_one_leaves_for_the_other_where_memory_does_not_hold_both(
    specs: tuple[ModelSpec, ModelSpec], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model, judge = specs
    text = write(model)
    monkeypatch.setattr(loading, "free_bytes", lambda device: loading.weight_bytes(judge))
    with caplog.at_level(logging.INFO):
        assert weigh(judge) == 1
    assert "memory does not hold all models: unloading the others" in caplog.text
    assert loading.plan_of(model) is None and loading.plan_of(judge) == Plan()
    assert write(model) == text
    assert loading.plan_of(judge) is None


def test_worker_processes_end_for_a_judge_that_does_not_fit_beside_them(
    specs: tuple[ModelSpec, ModelSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, judge = specs
    write(model, Plan("data_parallel", 1))
    workers = pool.group(model, Plan("data_parallel", 1)).ranks.processes
    assert weigh(model) == 0, "the judge's model is up in the worker"
    monkeypatch.setattr(loading, "free_bytes", lambda device: loading.weight_bytes(judge))
    assert weigh(judge) == 1
    assert all(process.poll() is not None for process in workers)


def test_a_judge_shares_a_model_that_is_spread_over_devices(specs: tuple[ModelSpec, ModelSpec]) -> None:
    model, _ = specs
    write(model, Plan("device_map", max_memory=(("cpu", "10GB"),)))
    assert weigh(model) == 0


@pytest.mark.parametrize("others", [True, False])
def test_memory_that_runs_out_while_loading_sends_the_others_away_or_is_told(
    specs: tuple[ModelSpec, ModelSpec], others: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    model, judge = specs
    if others:
        write(model)
    load = loading.load

    def short(spec: ModelSpec, **placement: Any) -> loading.Loaded:
        if loading.held() or not others:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.00 GiB")
        return load(spec, **placement)

    monkeypatch.setattr(loading, "load", short)
    if others:
        assert weigh(judge) == 1
        assert loading.plan_of(model) is None
    else:
        with pytest.raises(GenerationError, match="memory does not hold the model"):
            weigh(judge)
