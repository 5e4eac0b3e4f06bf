"""Memory that runs out, in whichever process: every answer is there, and the log says that the batch was halved."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest

from alpacabench import inference as worker
from alpacabench.core.records import digest
from alpacabench.inference import pool
from alpacabench.inference.engine import Engine
from alpacabench.inference.loading import load
from alpacabench.inference.spec import Answer, ChatFormat, Choice, DecodeSpec, ModelSpec, Plan, Task
from tests.helpers.command import metrics, run
from tests.helpers.hungry import build_hungry, failures

SAMPLED = DecodeSpec(10, temperature=0.9, top_p=0.9)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_hungry(tmp_path_factory.mktemp("hungry"), max_position_embeddings=4096)


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code that comes with a model is copied to the user's cache before it is run."""
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))


def tasks(count: int = 9) -> list[Task]:
    """Lengths that a batch after the halving would mix: a short prompt between two long ones."""
    return [Task(digest(i), (("user", f"Say {'x' * (i * 37 % 200)} {i}"),)) for i in range(count)]


def by_key(answers: list[Answer]) -> dict[str, str]:
    """Return the texts, and see to it that none failed or came twice."""
    assert not [answer.failure for answer in answers if answer.failure]
    assert len({answer.key for answer in answers}) == len(answers)
    return {answer.key: answer.text for answer in answers}


def sizes(text: str) -> list[int]:
    """Return the batch sizes that the log goes on with."""
    return [int(size) for size in re.findall(r"(?:going on with |start again with batch_size=)(\d+)", text)]


@pytest.mark.parametrize("size", [1, 2, 3, 8, 16])
def test_a_moment_without_memory_at_any_pass_and_batch_size_changes_no_text(
    folder: Path, tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = Engine(load(ModelSpec(str(folder), trust_remote_code=True)))
    expected = by_key(list(engine.generate(tasks(), SAMPLED, ChatFormat(), 16)))
    assert len(expected) == len(tasks())
    monkeypatch.setenv("HUNGRY_ROWS", "0")
    kind = type(engine.loaded.model)
    for after in (0, 4, 13):
        monkeypatch.setenv("HUNGRY_TIMES", failures(tmp_path / f"times-{after}", 1))
        monkeypatch.setenv("HUNGRY_AFTER", str(after))
        kind.passes = 0
        caplog.clear()
        with caplog.at_level(logging.INFO):
            assert by_key(list(engine.generate(tasks(), SAMPLED, ChatFormat(), size))) == expected
        assert ("trying once more" if size == 1 else "going on with") in caplog.text
        assert size == 1 or re.search(r"batch_size=\d+ worked", caplog.text)


def test_a_question_that_does_not_fit_alone_is_a_failure_and_the_others_are_weighed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(load(ModelSpec(str(folder), trust_remote_code=True)))
    asked = [Choice(task.key, task.messages, ("A", "B")) for task in tasks(5)]
    expected = {answer.key: answer.logprobs for answer in engine.choose(asked, ChatFormat(), 1)}
    forward, longest = engine.loaded.model.forward, max(asked, key=lambda choice: len(choice.messages[0][1]))

    def short(*args: object, **values: object) -> object:
        # What a pass holds: the tokens before a span that is read behind a common beginning, too.
        if values["attention_mask"].numel() > 150:  # type: ignore[attr-defined]
            raise MemoryError
        return forward(*args, **values)

    monkeypatch.setattr(engine.loaded.model, "forward", short)
    weighed = {answer.key: answer for answer in engine.choose(asked, ChatFormat())}
    assert weighed[longest.key].failure == "out of memory with this question alone"
    for choice in asked:
        if choice is not longest:
            assert weighed[choice.key].logprobs == pytest.approx(expected[choice.key], abs=1e-4)


def test_a_worker_says_in_the_runs_log_that_it_halved_its_batch(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    spec = ModelSpec(str(folder), trust_remote_code=True)
    expected = by_key(list(worker.open_backend(spec, Plan()).generate(tasks(), SAMPLED, ChatFormat(), 16)))
    monkeypatch.setenv("HUNGRY_ROWS", "3")
    monkeypatch.setenv("HUNGRY_RANK", "1")
    backend = worker.open_backend(spec, Plan("data_parallel", 2))
    with caplog.at_level(logging.INFO):
        assert by_key(list(backend.generate(tasks(), SAMPLED, ChatFormat(), 8))) == expected
    pool.close()
    assert re.search(r"worker 1: out of memory with batch_size=\d: going on with [23]", caplog.text)
    assert re.search(r"worker 1: batch_size=[23] worked", caplog.text)
    assert "worker 0: out of memory" not in caplog.text


def _run(directory: Path, folder: Path, *overrides: str, env: dict[str, str] | None = None) -> tuple[str, str]:
    """Run twelve prompts to their end; returns the outputs file and what was printed."""
    directory.mkdir()
    outcome = run(
        directory, "model=hf", f"model.path={folder}", "model.trust_remote_code=true", "judge=longest",
        "tracking=none", "subset=random", "subset.n=12", "decoding=sampling", "decoding.max_new_tokens=20",
        f"hydra.run.dir={directory}/run", *overrides, env=env, timeout=1200,
    )  # fmt: skip
    assert outcome.code == 0, outcome.text
    found = metrics(directory / "run")
    assert (found["n_generated"], found["n_failed"], found["n_total"]) == (12, 0, 12)
    outputs = (directory / "run" / "model_outputs.json").read_text()
    assert len({row["instruction"] for row in json.loads(outputs)}) == 12
    return outputs, outcome.text


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", ["auto", "12", "7", "2", "1"])
@pytest.mark.parametrize("sharding", ["none", "data_parallel", "tensor_parallel", "zero3"])
def test_memory_that_runs_out_under_run_py_costs_no_answer(
    folder: Path, tmp_path: Path, sharding: str, batch_size: str
) -> None:
    split = f"sharding={sharding}", f"sharding.batch_size={batch_size}"
    whole, _ = _run(tmp_path / "whole", folder)
    # All ranks but one have room, and it runs out while answers are being written.
    env = {"HUNGRY_ROWS": "2", "HUNGRY_RANK": "0" if sharding == "none" else "1", "HUNGRY_AFTER": "3"}
    if batch_size in ("2", "1"):
        env |= {"HUNGRY_ROWS": "0", "HUNGRY_TIMES": failures(tmp_path / "times", 1)}
    outputs, text = _run(tmp_path / "short", folder, *split, env=env)
    assert outputs == whole
    if batch_size == "1":
        assert "trying once more" in text or sizes(text) == [1]
    else:
        assert sizes(text) and sizes(text)[-1] <= 2
        assert re.search(r"batch_size=[12] worked", text)


@pytest.mark.slow
def test_a_sweeps_next_job_begins_with_the_batch_that_worked(folder: Path, tmp_path: Path) -> None:
    outcome = run(
        tmp_path, "-m", "model=hf", f"model.path={folder}", "model.trust_remote_code=true", "judge=longest",
        "tracking=none", "subset=random", "subset.n=8", "decoding=sampling", "decoding.seed=0,1",
        "decoding.max_new_tokens=12", "sharding=tensor_parallel", "sharding.batch_size=8",
        f"hydra.sweep.dir={tmp_path}/sweep", env={"HUNGRY_ROWS": "4"}, timeout=1200,
    )  # fmt: skip
    assert outcome.code == 0, outcome.text
    assert sizes(outcome.text) == [4]
    assert [metrics(tmp_path / "sweep" / job)["model_loads"] for job in "01"] == [2, 0]


@pytest.mark.slow
def test_an_answer_that_no_batch_holds_ends_the_run_with_a_message(folder: Path, tmp_path: Path) -> None:
    outcome = run(
        tmp_path, "model=hf", f"model.path={folder}", "model.trust_remote_code=true", "judge=longest", "tracking=none",
        "subset=random", "subset.n=4", "sharding=tensor_parallel", "sharding.batch_size=2",
        env={"HUNGRY_ROWS": "0"}, timeout=1200,
    )  # fmt: skip
    assert outcome.code == 1
    assert "out of memory with one answer at a time" in outcome.text
    assert "Traceback" not in outcome.text
