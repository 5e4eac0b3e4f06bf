"""Whatever a server sends, each reader finds a verdict that can be, or says that there is none: never another error."""

from __future__ import annotations

import json
import math
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alpacabench.endpoint.wire import Completion
from alpacabench.judge.base import Question, UnparsableVerdictError
from alpacabench.judge.logprob import preference_from_logprobs
from tests.helpers.judge_data import load_judge, made_up_pairs
from tests.helpers.random_json import mutated

NOWHERE = "http://127.0.0.1:9/v1"
FEW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
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
    for annotator in ("alpaca_eval_cot_gpt4_turbo_fn", "weighted_alpaca_eval_gpt-4o-mini-2024-07-18"):
        where = (f"judge.annotator={annotator}", f"judge.base_url={NOWHERE}")
        found[annotator] = load_judge("alpaca_eval", *where)
    return found


def reads(judge: Any, text: str, raw: dict[str, Any], reason: str) -> bool:
    """Read a completion: a preference in [1, 2] and finite criteria, or no verdict; return which of the two."""
    try:
        payload = judge.read(Completion(text, raw, reason, 1, 1), QUESTION)
    except UnparsableVerdictError:
        return False
    assert 1.0 <= payload["preference"] <= 2.0
    assert all(math.isfinite(score) for score in payload.get("criteria", {}).values())
    return True


QUESTION = Question("key", made_up_pairs(1)[0], True, 0, ())


CASES = {
    "gpt_4_1": st.tuples(st.just("m"), st.fixed_dictionaries({}, optional={"logprobs": logprobs}), reason),
    "weighted_alpaca_eval_gpt-4o-mini-2024-07-18": st.tuples(
        st.just("m"), st.fixed_dictionaries({}, optional={"logprobs": logprobs}), reason
    ),
    "gpt_4_1_cot": st.tuples(written, st.just({}), reason),
    "rubric": st.tuples(rubric, st.just({}), reason),
    "alpaca_eval_cot_gpt4_turbo_fn": st.tuples(called, st.just({}), reason),
}


@pytest.mark.parametrize("name", CASES)
def test_any_answer_is_a_verdict_or_none(judges: dict[str, Any], name: str) -> None:
    @FEW
    @given(CASES[name])
    def check(case: tuple[str, dict[str, Any], str]) -> None:
        reads(judges[name], *case)

    check()


TOP = [{"token": "m", "logprob": -0.3}, {"token": "M", "logprob": -1.4}, {"token": "The", "logprob": -5.0}]
WHOLE = {"logprobs": {"content": [{"token": "m", "logprob": -0.3, "top_logprobs": TOP}]}}
OLDER = {"logprobs": {"tokens": ["m"], "token_logprobs": [-0.3], "top_logprobs": [{"m": -0.3, "M": -1.4}]}}
GRADES = {"first": dict.fromkeys(NAMES, 7), "second": dict.fromkeys(NAMES, 8)}
RANKS = {"ordered_models": [{"model": "M", "rank": 1}, {"model": "m", "rank": 2}]}


def answer_of(name: str, random: Random) -> tuple[str, dict[str, Any], str]:
    """Return a random answer for a judge: mostly of its form."""
    reason = random.choice(["stop", "stop", "stop", "length"])
    if name in ("gpt_4_1", "weighted_alpaca_eval_gpt-4o-mini-2024-07-18"):
        return "m", mutated(random.choice([WHOLE, OLDER]), random) or {}, reason
    if name == "gpt_4_1_cot":
        return "\n".join(random.choices(LINES, k=random.randrange(9))), {}, reason
    good = GRADES if name == "rubric" else RANKS
    texts = [json.dumps(mutated(good, random, 0.06)) for _ in range(random.choice([1, 1, 2]))]
    return random.choice(["", "<think>", "Draft: "]) + random.choice(["\n", "</think>"]).join(texts), {}, reason


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_ten_thousand_answers_are_verdicts_or_none(judges: dict[str, Any], name: str) -> None:
    random = Random(13)
    found = 0
    for _ in range(10_000):
        text, raw, reason = answer_of(name, random)
        found += reads(judges[name], text, raw if isinstance(raw, dict) else {"logprobs": raw}, reason)
    assert 500 < found < 9_900


@FEW
@given(st.permutations([("m", -0.2), ("M", -2.0), (" m", -3.0), ("The", -4.0), ("m", -5.0)]))
def test_the_order_of_the_list_does_not_matter(pairs: list[tuple[str, float]]) -> None:
    entries = [{"token": token, "logprob": value} for token, value in pairs]
    found = preference_from_logprobs({"logprobs": {"content": [{"top_logprobs": entries}]}}, "m", "M")
    first = sum(math.exp(value) for value in (-0.2, -3.0, -5.0))
    assert found == pytest.approx(2.0 - first / (first + math.exp(-2.0)))
