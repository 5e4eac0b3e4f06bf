"""Prompts that several rows have in common are read once, and every row writes what it writes alone."""

from __future__ import annotations

from typing import Any

import pytest

from alpacabench.core.records import digest
from alpacabench.inference.engine import Engine
from alpacabench.inference.loaded import Loaded, Way
from alpacabench.inference.loading import load
from alpacabench.inference.spec import ChatFormat, DecodeSpec, ModelSpec, Task
from tests.helpers.tiny import build_tiny

PROMPTS = ["Say it", "Say it in other words, and in more of them", "x"]
SPECS = [DecodeSpec(6 + number, temperature=number / 4, top_p=0.9) for number in range(4)]
TASKS = [
    Task(digest(f"{prompt} {number}"), (("user", prompt),), spec)
    for number, spec in enumerate(SPECS)
    for prompt in PROMPTS
]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load(ModelSpec(str(build_tiny(tmp_path_factory.mktemp("tiny"))), device="cpu"))


def texts(loaded: Loaded, batch_size: int | None) -> dict[str, str]:
    return {a.key: a.text for a in Engine(loaded).generate(TASKS, SPECS[0], ChatFormat(), batch_size)}


@pytest.mark.parametrize("way", [Way.BLOCKS, Way.COLUMNS])
@pytest.mark.parametrize("batch_size", [None, 5, 3])
def test_equal_prompts_are_read_once_and_answered_each_in_its_own_manner(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch, way: Way, batch_size: int | None
) -> None:
    loaded.ways = {Way.BLOCKS: way}
    alone = texts(loaded, 1)
    assert len(set(alone.values())) > len(PROMPTS)
    read: list[int] = []
    forward = loaded.model.forward

    def counted(*args: object, **values: Any) -> object:
        read.extend([len(values["input_ids"])] if values["input_ids"].shape[1] > 1 else [])
        return forward(*args, **values)

    monkeypatch.setattr(loaded.model, "forward", counted)
    assert texts(loaded, batch_size) == alone
    if batch_size is None:
        assert sum(read) == len(PROMPTS)
    assert sum(read) < len(TASKS)


def test_a_repetition_penalty_of_its_own_changes_one_row_of_equal_prompts(loaded: Loaded) -> None:
    loaded.ways = {}
    specs = DecodeSpec(8), DecodeSpec(8, repetition_penalty=5.0)
    tasks = [Task(digest(i), (("user", PROMPTS[1]),), spec) for i, spec in enumerate(specs)]
    together = {a.key: a.text for a in Engine(loaded).generate(tasks, specs[0], ChatFormat())}
    for task in tasks:
        (alone,) = Engine(loaded).generate([task], specs[0], ChatFormat())
        assert together[task.key] == alone.text
    assert len(set(together.values())) == 2
