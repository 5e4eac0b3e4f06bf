"""The local judge: both orders, weighted by two letters, sharing the loaded model."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from alpacabench import inference as worker
from alpacabench.core.records import Example, Pair
from alpacabench.inference.spec import ChatFormat, DecodeSpec, Task
from alpacabench.judge.local import LocalJudge
from alpacabench.judge.question import Question
from alpacabench.model.hf import HuggingFace
from alpacabench.store.ask_once import FLUSH, Reply
from alpacabench.store.store import Store
from tests.helpers.tiny import build_tiny


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny(tmp_path_factory.mktemp("tiny"), max_position_embeddings=2048)


def pairs(count: int = 3, output: str = "short") -> list[Pair]:
    return [
        Pair(Example(i, f"prompt {i}", "r"), f"prompt {i}", f"reference {i}", f"{output} {i}") for i in range(count)
    ]


def asked(judge: LocalJudge, questions: list[Question]) -> list[Reply]:
    return [reply for reply in judge.ask(questions) if reply is not FLUSH]


def test_what_was_read_together_is_stored_before_more_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = LocalJudge(model_name=str(folder))
    questions = judge.questions(pairs(6))
    whole = [reply.key for reply in judge.ask(questions)]
    assert whole.count("") == 1 and whole[-1] == ""
    monkeypatch.setattr("alpacabench.inference.engine.TOKENS", 600)
    parted = [reply.key for reply in judge.ask(questions)]
    assert 1 < parted.count("") < len(questions) and parted[-1] == ""
    assert sorted(filter(None, parted)) == sorted(filter(None, whole))


def test_each_pair_is_judged_in_both_orders_and_the_slot_is_undone(folder: Path, tmp_path: Path) -> None:
    judge = LocalJudge(model_name=str(folder))
    assert len(judge.questions(pairs())) == 6
    with Store(f"sqlite:///{tmp_path}/store.db") as store:
        verdicts = judge.judge(pairs(), store)
    assert len(verdicts) == 6
    for verdict in verdicts:
        first, second = verdict.raw["logprobs"].values()
        assert verdict.preference is not None and 1 <= verdict.preference <= 2
        prefers_second = second > first
        assert (verdict.preference > 1.5) == (prefers_second != verdict.model_first)


def test_judging_reuses_the_model_that_wrote(folder: Path) -> None:
    before = worker.loads()
    backend = worker.open_backend(HuggingFace(path=str(folder)).source.spec())
    list(backend.generate([Task("ab" * 32, (("user", "x"),))], DecodeSpec(2), ChatFormat()))
    judge = LocalJudge(model_name=str(folder))
    list(judge.ask(judge.questions(pairs(1))))
    assert worker.loads() - before <= 1


def test_long_answers_are_cut_marked_and_counted(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    judge = LocalJudge(model_name=str(folder), max_answer_chars=100)
    questions = judge.questions(pairs(2, output="y" * 300))
    assert "y" * 100 + " […]" in questions[0].messages[-1][1]
    assert "y" * 101 not in questions[0].messages[-1][1]
    with caplog.at_level(logging.WARNING):
        assert all(reply.payload for reply in asked(judge, questions))
    assert "4 of 4 judge prompts show an answer cut" in caplog.text


def test_a_prompt_beyond_the_context_is_a_failure_not_a_verdict(folder: Path) -> None:
    judge = LocalJudge(model_name=str(folder))
    replies = asked(judge, judge.questions(pairs(1, output="y" * 5000)))
    assert [reply.payload for reply in replies] == [None, None]
    assert "context holds" in str(replies[0].failure)


def test_another_model_another_letter_or_another_prompt_is_another_judge(folder: Path, tmp_path: Path) -> None:
    base = LocalJudge(model_name=str(folder))
    other = tmp_path / "judge.txt"
    other.write_text("{instruction} {output_1} {output_2}")
    assert base.prompt_hash() != LocalJudge(model_name=str(folder), template=str(other)).prompt_hash()
    assert base.prompt_hash() != LocalJudge(model_name=str(folder), tokens=("1", "2")).prompt_hash()
    assert base.prompt_hash() == LocalJudge(model_name=str(folder), device="cpu").prompt_hash()
