"""A judge of one's own is one method: it answers in the order shown, and what is no answer is a failure."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from sqlalchemy import select

from alpacabench.core.component import build
from alpacabench.core.errors import Problem
from alpacabench.core.records import Example, Pair
from alpacabench.judge.base import Judge, Question
from alpacabench.store.ask_once import Reply
from alpacabench.store.store import Store
from alpacabench.store.tables import answers
from tests.helpers.judge_data import load_judge, made_up_pairs

GOLDEN = json.loads((Path(__file__).parents[1] / "data" / "store_keys_golden.json").read_text())


class Shortest(Judge):
    def compare(self, shown: Question) -> float:
        first, second = shown.outputs
        return 1.0 if len(first) < len(second) else 2.0


class Says(Judge):
    """Says what it is told to, and counts how often it is asked."""

    word: Any = None

    def compare(self, shown: Question) -> float:
        if self.word == "raise":
            raise KeyError("no such answer")
        return self.word  # type: ignore[no-any-return]


class Misfit(Judge):
    """Has no way to judge."""


def _pairs() -> list[Pair]:
    """Return pairs of which the model's answer is shorter in 13 of 20."""
    return [
        Pair(
            Example(i, f"Question {i}?", "middling"), f"Question {i}?", "middling", "short" if i % 3 else "much longer"
        )
        for i in range(20)
    ]


@pytest.mark.parametrize("order", ["seeded", "both"])
def test_a_naive_judge_scores_what_an_independent_count_says(order: Literal["seeded", "both"], tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path}/store.db") as store:
        verdicts = Shortest(order=order).judge(_pairs(), store)
    assert {verdict.model_first for verdict in verdicts} == {True, False}
    won = {i for i in range(20) if len(_pairs()[i].output) < len(_pairs()[i].reference)}
    assert len(won) == 13
    for verdict in verdicts:
        assert verdict.preference == (2.0 if verdict.pair.example.index in won else 1.0)
    assert len(verdicts) == (20 if order == "seeded" else 40)
    assert {verdict.judge for verdict in verdicts} == {"Shortest"}


@pytest.mark.parametrize(
    ("word", "cause"),
    [
        (None, "given None"), (float("nan"), "given nan"), (7, "given 7"), ("a", "given 'a'"), (True, "given True"),
        (0.5, "given 0.5"), (float("inf"), "given inf"), ("raise", "Says.compare: KeyError: 'no such answer'"),
    ],
)  # fmt: skip
def test_what_is_no_preference_is_a_failure_that_is_asked_again(word: object, cause: str, tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path}/store.db") as store:
        for _ in range(2):
            verdicts = Says(word=word).judge(made_up_pairs(3), store)
            assert [verdict.preference for verdict in verdicts] == [None] * 3
            assert all(cause in str(verdict.failure) for verdict in verdicts), verdicts[0].failure
        judge = Says(word=word)
        assert len(judge.missing(made_up_pairs(3), store)) == 3
        with store.engine.connect() as connection:
            assert not connection.execute(select(answers)).all()
        assert not store.get("verdict", [question.key for question in judge.questions(made_up_pairs(3))])


def test_numbers_of_other_libraries_are_numbers(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path}/store.db") as store:
        for word in (np.float32(1.25), np.int64(2), np.float64(1.5)):
            (verdict,) = Says(word=word).judge(made_up_pairs(1), store)
            expected = 3 - float(word) if verdict.model_first else float(word)
            assert verdict.preference == expected


def test_a_reply_to_what_nobody_asked_is_not_stored(tmp_path: Path) -> None:
    class Confused(Judge):
        def ask(self, questions: list[Question]) -> list[Reply]:
            return [Reply("0" * 64, {"preference": 1.0}), Reply(questions[0].key, {"preference": 1.0})]

    with Store(f"sqlite:///{tmp_path}/store.db") as store:
        verdicts = Confused().judge(made_up_pairs(2), store)
        assert not store.get("verdict", ["0" * 64])
    assert [verdict.failure for verdict in verdicts] == [None, "no reply"]


CODE = """
from alpacabench.judge.base import Judge

LIMIT = 3


def longer(first, second):
    return len(first) > len(second)


class Mine(Judge):
    weight: float = 1.0

    def compare(self, shown):
        return 1.0 if longer(*shown.outputs) and LIMIT else 2.0


class Other:
    pass
"""


def _keys(directory: Path, code: str, **values: object) -> list[str]:
    (directory / "own_module.py").write_text(code)
    sys.modules.pop("own_module", None)
    importlib.invalidate_caches()
    importlib.import_module("linecache").clearcache()
    module = importlib.import_module("own_module")
    return [question.key for question in module.Mine(**values).questions(made_up_pairs(2))]


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("1.0 if longer", "1.5 if longer", True),
        ("len(first) >", "len(first) >=", True),
        ("LIMIT = 3", "LIMIT = 0", True),
        ("    pass", "    anything = 1", False),
    ],
)
def test_edited_code_never_meets_old_verdicts(
    old: str, new: str, changes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = _keys(tmp_path, CODE)
    assert before == _keys(tmp_path, CODE)
    assert before == _keys(tmp_path, CODE, name="another label")
    assert before != _keys(tmp_path, CODE, weight=2.0)
    assert (before != _keys(tmp_path, CODE.replace(old, new))) == changes


def test_the_label_is_the_name_or_the_class() -> None:
    assert (Shortest().label, Shortest(name="short").label) == ("Shortest", "short")


def test_a_judge_that_cannot_judge_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPACABENCH_TRUSTED", "tests")
    problems: list[Problem] = []
    assert build("judge", {"_target_": f"{__name__}.Misfit"}, problems, kinds=(Judge,)) is None
    assert [str(problem) for problem in problems] == [
        f"judge._target_: given '{__name__}.Misfit', which has no compare\n    it must be a Judge with that method"
    ]


@pytest.mark.parametrize("option", sorted(GOLDEN["verdicts"]))
def test_the_store_keys_of_shipped_judges_stay_what_they_were(option: str) -> None:
    overrides = ["judge.order=both", "judge.repeats=2"]
    overrides += ["judge.annotator=chatgpt_fn"] if option == "alpaca_eval" else []
    examples = [
        Example(0, "Name a colour.", "Red.", "s", "c"),
        Example(1, "What is 2+2? {instruction}", "four <|im_end|>"),
    ]
    outputs = ["Blue, the colour of the sky.", "4"]
    pairs = [Pair(e, e.instruction, str(e.reference), o) for e, o in zip(examples, outputs, strict=True)]
    assert [question.key for question in load_judge(option, *overrides).questions(pairs)] == GOLDEN["verdicts"][option]
