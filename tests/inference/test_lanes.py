"""Lanes: the text of one thread, and no thread left behind, however a lane ends."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator
from multiprocessing import Pipe
from typing import Any, cast

import pytest
import torch

from alpacabench.core.records import digest
from alpacabench.inference.cpu.lanes import LANE_ROWS, lane_count
from alpacabench.inference.decode import Manner, Row, parted
from alpacabench.inference.engine import Engine
from alpacabench.inference.loaded import Loaded
from alpacabench.inference.loading import load
from alpacabench.inference.prompt import Encoded
from alpacabench.inference.rank import _Line
from alpacabench.inference.spec import Answer, ChatFormat, DecodeSpec, ModelSpec, Noted, Task
from tests.helpers.tiny import build_tiny

SPECS = [DecodeSpec(24), DecodeSpec(24, temperature=0.9, top_p=0.9)]
TASKS = [Task(digest(i), (("user", f"Say {'x' * (i * 37 % 200)} {i}"),)) for i in range(3 * LANE_ROWS + 5)]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load(ModelSpec(str(build_tiny(tmp_path_factory.mktemp("tiny"))), device="cpu"))


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """Three threads, as on a machine with three cores; afterwards as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    assert torch.get_num_threads() == 3
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lane")]
    torch.set_num_threads(before)


def generate(loaded: Loaded, spec: DecodeSpec, batch_size: int | None = None) -> list[Answer]:
    answers = list(Engine(loaded).generate(TASKS, spec, ChatFormat(), batch_size))
    assert len({answer.key for answer in answers}) == len(answers) == len(TASKS)
    return answers


@pytest.mark.parametrize("spec", SPECS, ids=["greedy", "sampled"])
@pytest.mark.parametrize("batch_size", [None, 24, 17])
def test_lanes_write_the_text_of_one_row_at_a_time(loaded: Loaded, spec: DecodeSpec, batch_size: int | None) -> None:
    alone = {answer.key: answer.text for answer in generate(loaded, spec, 1)}
    answers = generate(loaded, spec, batch_size)
    assert {answer.key: answer.text for answer in answers} == alone
    lanes = min(3, (batch_size or len(TASKS)) // LANE_ROWS)
    assert max(answer.batch_size for answer in answers) <= -(-(batch_size or len(TASKS)) // lanes)


def test_lanes_read_a_prompt_that_several_rows_share_once(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    copies, prompts = 6, 9
    specs = [DecodeSpec(4, temperature=0.5 + copy / 10) for copy in range(copies)]
    tasks = [
        Task(digest([number, copy]), (("user", f"Say {'x' * number} again"),), spec)
        for copy, spec in enumerate(specs)
        for number in range(prompts)
    ]
    read: list[int] = []
    forward = loaded.model.forward

    def counted(*args: object, **values: Any) -> object:
        ids = values["input_ids"]
        read.extend([len(ids)] if ids.shape[1] > 1 else [])
        return forward(*args, **values)

    alone = {a.key: a.text for a in Engine(loaded).generate(tasks, specs[0], ChatFormat(), 1)}
    monkeypatch.setattr(loaded.model, "forward", counted)
    answers = list(Engine(loaded).generate(tasks, specs[0], ChatFormat()))
    assert {answer.key: answer.text for answer in answers} == alone
    assert sum(read) == prompts
    assert max(answer.batch_size for answer in answers) == copies * prompts / 3, "three lanes with as many rows each"


@pytest.mark.parametrize(("sizes", "lanes"), [([16], 2), ([7, 7, 7, 3], 3), ([1] * 33, 4), ([9, 1, 1, 9, 5], 3)])
def test_no_lane_is_without_rows_and_none_is_lost(sizes: list[int], lanes: int) -> None:
    manner = cast(Manner, None)
    rows = [
        Row(Task(f"{number} {copy}", ()), Encoded([number] * (len(sizes) - number), False), 8, manner)
        for number, size in enumerate(sizes)
        for copy in range(size)
    ]
    parts = parted(rows, lanes)
    assert all(parts) and sorted(row.task.key for part in parts for row in part) == sorted(r.task.key for r in rows)
    for part in parts:
        lengths = [len(row.prompt.ids) for row in part]
        assert lengths == sorted(lengths, reverse=True)
        assert len(part) <= 2 * -(-len(rows) // lanes)


def test_memory_that_runs_out_halves_the_batch_of_its_lane_alone(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    expected = {answer.key: answer.text for answer in generate(loaded, SPECS[0], 1)}
    forward = loaded.model.forward

    def hungry(*args: object, **values: object) -> object:
        if threading.current_thread().name == "lane 1" and len(values["input_ids"]) > 3:  # type: ignore[arg-type]
            raise MemoryError
        return forward(*args, **values)

    monkeypatch.setattr(loaded.model, "forward", hungry)
    with caplog.at_level(logging.INFO):
        assert {answer.key: answer.text for answer in generate(loaded, SPECS[0], 24)} == expected
    halved = [message for message in caplog.messages if "going on with" in message]
    assert halved == ["out of memory with batch_size=8: going on with 3"], "the other two lanes went on with 8"


def test_an_error_in_one_lane_is_raised_and_ends_the_others(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    forward = loaded.model.forward

    def broken(*args: object, **values: object) -> object:
        if threading.current_thread().name == "lane 2":
            raise RuntimeError("the kernel is missing")
        return forward(*args, **values)

    monkeypatch.setattr(loaded.model, "forward", broken)
    with pytest.raises(RuntimeError, match="the kernel is missing"):
        generate(loaded, SPECS[0])


def test_who_stops_listening_waits_for_no_more_than_a_step(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    steps, forward = [0], loaded.model.forward

    def counted(*args: object, **values: object) -> object:
        steps[0] += 1
        return forward(*args, **values)

    monkeypatch.setattr(loaded.model, "forward", counted)
    answers = Engine(loaded).generate(TASKS, DecodeSpec(400), ChatFormat(), 24)
    next(answers)
    before = steps[0]
    answers.close()  # type: ignore[attr-defined]
    assert steps[0] - before < 100


def test_what_lanes_log_and_the_answers_reach_the_parent_whole() -> None:
    here, there = Pipe()
    line, text, count = _Line(there), "x" * 50_000, 40
    names = [f"lane {number}" for number in range(3)]

    def log(name: str) -> None:
        for _ in range(count):
            line.handle(logging.LogRecord("engine", logging.INFO, "", 0, name + text, None, None))

    def answer() -> None:
        for number in range(count):
            line.send(Answer(str(number), text))

    senders = [threading.Thread(target=log, args=(name,)) for name in names] + [threading.Thread(target=answer)]
    for sender in senders:
        sender.start()
    arrived = [here.recv() for _ in range(4 * count)]
    for sender in senders:
        sender.join()
    assert [message.key for message in arrived if isinstance(message, Answer)] == [str(n) for n in range(count)]
    assert Counter(m.text for m in arrived if isinstance(m, Noted)) == {name + text: count for name in names}


@pytest.mark.parametrize(
    ("change", "rows", "lanes"),
    [
        ({}, 4 * LANE_ROWS, 3),
        ({}, 2 * LANE_ROWS + 1, 2),
        ({}, LANE_ROWS, 1),
        ({"trust_remote_code": True}, 100, 1),
        ({"quantization": "8bit"}, 100, 1),
    ],
    ids=str,
)
def test_the_number_of_lanes(loaded: Loaded, change: dict[str, object], rows: int, lanes: int) -> None:
    spec = ModelSpec(loaded.spec.source, **change)  # type: ignore[arg-type]
    assert lane_count(Loaded(spec, loaded.model, loaded.tokenizer, loaded.device), rows) == lanes
