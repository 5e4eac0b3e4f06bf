"""Metrics of one's own: what they see, what they may be called, and that a failure takes nothing from others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.utils.validation import _validate_metric_name

from alpacabench import Metric
from alpacabench.core.records import Example, Generation, Outcome, Pair, Prompt, Verdict
from alpacabench.scoring.metric import Scored, compute
from alpacabench.scoring.metric_name import is_metric_name, slice_names


class Gives(Metric):
    """Gives what it is told to."""

    what: Any = None
    named: Any = {"mine": "words"}

    def names(self) -> Mapping[str, str]:
        if self.named == "raise":
            raise KeyError("names")
        return self.named  # type: ignore[no-any-return]

    def compute(self, outcomes: Sequence[Scored]) -> Mapping[str, float]:
        if self.what == "raise":
            raise ZeroDivisionError("no outcomes")
        return self.what  # type: ignore[no-any-return]


def _outcomes() -> list[Outcome]:
    example = Example(0, "Why?", "So.", "a source", "a category")
    prompt = Prompt(example, "Why, please?")
    verdict = Verdict(Pair(example, "Why?", "So.", "Because."), 2.0, True)
    missing = Prompt(Example(1, "How?", None), "How?")
    return [
        Outcome(prompt, (Generation(prompt, "Because."),), (verdict,)),
        Outcome(missing, (Generation(missing, None, "error", failure="429"),), ()),
    ]


def test_a_metric_sees_texts_and_the_preference_none_where_they_are_missing() -> None:
    class Sees(Gives):
        def compute(self, outcomes: Sequence[Scored]) -> Mapping[str, float]:
            first, second = outcomes
            assert first == Scored("Why?", "Why, please?", "So.", "Because.", 2.0, "a source", "a category")
            assert (second.reference, second.output, second.preference) == (None, None, None)
            return {"mine": len(outcomes)}

    assert compute([Sees()], _outcomes()).values == {"mine": 2}


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("raise", "compute raises ZeroDivisionError: no outcomes"), ({}, "no value"), (None, "compute gives None"),
        ({"mine": None}, "the value is None"), ({"mine": math.nan}, "the value is nan"),
        ({"mine": "2"}, "the value is '2'"),
        ({"mine": True}, "the value is True"), ({"mine": math.inf}, "the value is inf"),
    ],
)  # fmt: skip
def test_a_metric_that_fails_says_why_and_takes_nothing_from_the_others(what: object, reason: str) -> None:
    found = compute([Gives(what=what), Gives(what={"other": 1.5}, named={"other": ""})], _outcomes())
    assert found.values == {"other": 1.5}
    assert list(found.refused) == ["mine"]
    assert reason in found.refused["mine"]


@pytest.mark.parametrize(
    "named", ["raise", None, {}, ["mine"], {"mine": 1}, {"Q&A": ""}, {"../up": ""}, {"": ""}, {3: "x"}, {"a" * 251: ""}]
)
def test_names_that_are_none_or_that_mlflow_refuses_are_told_before_a_run(named: object) -> None:
    assert list(Gives(named=named).problems())
    assert not list(Gives(named={"mine/words_per.answer": ""}).problems())


@given(st.lists(st.text(min_size=1, max_size=300), min_size=1, max_size=6))
def test_every_label_has_a_name_of_its_own_that_mlflow_takes(labels: list[str]) -> None:
    names = slice_names("win_rate", labels)
    assert len(set(names.values())) == len(names) == len(set(labels))
    for label, name in names.items():
        _validate_metric_name(name)
        if is_metric_name(f"win_rate/{label}"):
            assert name == f"win_rate/{label}"


def test_labels_that_mlflow_refuses_keep_their_letters() -> None:
    assert slice_names("win_rate", ["Q&A (general)", "math"]) == {
        "Q&A (general)": "win_rate/Q_A _general_", "math": "win_rate/math"
    }  # fmt: skip
    assert slice_names("win_rate", ["C++", "C#"])["C++"].startswith("win_rate/C_")
