"""Whatever a server sends, each reader finds a verdict that can be, or says that there is none: never another error."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from alpacabench.endpoint.wire import Completion
from alpacabench.judge.base import UnparsableVerdictError
from alpacabench.judge.logprob import preference_from_logprobs
from tests.helpers.judge_data import load_judge, made_up_pairs

NOWHERE = "http://127.0.0.1:9/v1"
FEW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
MANY = settings(
    max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate], database=None
)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
token = st.sampled_from(["m", "M", " m", "M\n", "▁M", "The", ""]) | st.text(max_size=3)
number = st.floats() | st.sampled_from([None, "-Infinity", "x", True, -9999.0, 10**400, 0, -0.5])
entry = st.fixed_dictionaries({"token": token | anything}, optional={"logprob": number, "bytes": anything})
top = st.lists(entry, max_size=5) | st.dictionaries(token, number, max_size=4) | anything
place = st.fixed_dictionaries({}, optional={"token": token | anything, "logprob": number, "top_logprobs": top})
logprobs = (
    st.fixed_dictionaries({}, optional={"content": st.lists(place | anything, max_size=3) | anything,
                                        "top_logprobs": st.lists(top, max_size=2) | anything, "tokens": anything})
    | st.lists(place, max_size=3) | anything
)  # fmt: skip

LINES = [
    "Verdict: m", "**Verdict: M**", "verdict: tie", "> Verdict: M", "'Verdict: m'", "Verdict: M's is worse",
    "## Verdict", "M", "```", "<think>", "</think>", "[THINK]", "[/THINK]", "", "m is better.", "\u2028", "Verdict: ",
    "Final verdict: M",
]  # fmt: skip
written = st.lists(st.sampled_from(LINES) | st.text(max_size=10), max_size=9).map("\n".join)

NAMES = ("instruction_following", "correctness", "completeness", "clarity")
grade = st.integers(-2, 12) | st.floats() | st.sampled_from(["7", "x", None, True, [7], 10**400])
grades = st.fixed_dictionaries({name: grade for name in NAMES[:3]}, optional={NAMES[3]: grade})
good = st.fixed_dictionaries({name: st.integers(1, 10) for name in NAMES})
scores = st.fixed_dictionaries({"first": good | grades | anything, "second": good | grades | anything})
piece = scores.map(json.dumps) | st.sampled_from(
    ["{", "}", "```json", "```", "<think>", "</think>", "Final:", '{"first":']
)
rubric = st.lists(piece | st.text(max_size=8), max_size=5).map("\n".join)

rank = st.fixed_dictionaries(
    {"model": st.sampled_from(["m", "M", "x"]), "rank": st.sampled_from([1, 2, 3, "1", None, True, 1.0])}
)
arguments = st.fixed_dictionaries({}, optional={"ordered_models": st.lists(rank | anything, max_size=3) | anything})
called = arguments.map(json.dumps) | st.text(max_size=20) | anything.map(json.dumps)
reason = st.sampled_from(["stop", "length"])


@pytest.fixture(scope="module")
def judges() -> dict[str, Any]:
    found = {name: load_judge(name, f"judge.base_url={NOWHERE}") for name in ("gpt_4_1", "gpt_4_1_cot", "rubric")}
    for annotator in ("alpaca_eval_cot_gpt4_turbo_fn", "gpt4_turbo_clf"):
        where = (f"judge.annotator={annotator}", f"judge.base_url={NOWHERE}")
        found[annotator] = load_judge("alpaca_eval", *where)
    return found


def reads(judge: Any, text: str, raw: dict[str, Any], reason: str) -> None:
    """Read a completion: a preference in [1, 2] and finite criteria, or no verdict."""
    (question,) = judge.questions(made_up_pairs(1))
    try:
        payload = judge.read(Completion(text, raw, reason, 1, 1), question)
    except UnparsableVerdictError:
        return
    assert 1.0 <= payload["preference"] <= 2.0
    assert all(math.isfinite(score) for score in payload.get("criteria", {}).values())


CASES = {
    "gpt_4_1": st.tuples(st.just("m"), st.fixed_dictionaries({}, optional={"logprobs": logprobs}), reason),
    "gpt4_turbo_clf": st.tuples(st.just("m"), st.fixed_dictionaries({}, optional={"logprobs": logprobs}), reason),
    "gpt_4_1_cot": st.tuples(written, st.just({}), reason),
    "rubric": st.tuples(rubric, st.just({}), reason),
    "alpaca_eval_cot_gpt4_turbo_fn": st.tuples(called, st.just({}), reason),
}


@pytest.mark.parametrize("name", CASES)
def test_any_answer_is_a_verdict_or_none(judges: dict[str, Any], name: str) -> None:
    FEW(given(CASES[name])(lambda case: reads(judges[name], *case)))()


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_ten_thousand_answers_are_verdicts_or_none(judges: dict[str, Any], name: str) -> None:
    MANY(given(CASES[name])(lambda case: reads(judges[name], *case)))()


@FEW
@given(st.permutations([("m", -0.2), ("M", -2.0), (" m", -3.0), ("The", -4.0), ("m", -5.0)]))
def test_the_order_of_the_list_does_not_matter(pairs: list[tuple[str, float]]) -> None:
    entries = [{"token": token, "logprob": value} for token, value in pairs]
    found = preference_from_logprobs({"logprobs": {"content": [{"top_logprobs": entries}]}}, "m", "M")
    first = sum(math.exp(value) for value in (-0.2, -3.0, -5.0))
    assert found == pytest.approx(2.0 - first / (first + math.exp(-2.0)))
