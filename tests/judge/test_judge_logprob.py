"""Our reading of log probabilities equals alpaca_eval's; what servers send beside the standard is read by one rule."""

from __future__ import annotations

import ast
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpacabench.endpoint.wire import Completion
from alpacabench.judge.base import UnparsableVerdictError
from alpacabench.judge.logprob import preference_from_logprobs
from tests.helpers.fakes.openai_server import read
from tests.helpers.judge_data import load_judge, made_up_pairs

NAN, INF = math.nan, math.inf
logprob = st.floats(-120, 0, allow_nan=False)


def theirs(choice: dict, **arguments: object) -> float:
    from alpaca_eval.completion_parsers import logprob_parser

    return logprob_parser(choice, "m", ["m", "M"], is_binarize=False, **arguments)[0]


def choice(tokens: dict[str, float]) -> dict:
    return listed(*tokens.items())


def listed(*pairs: tuple[str, Any], sampled: str = "m") -> dict:
    top = [{"token": token, "logprob": value} for token, value in pairs]
    return {"logprobs": {"content": [{"token": sampled, "logprob": 0.0, "top_logprobs": top}]}}


def ours(choice: Any) -> float:
    return preference_from_logprobs(choice, "m", "M")


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["m", "M", "The", "me", "Both"]), logprob, min_size=1))
def test_any_list_of_tokens_is_read_as_alpaca_eval_reads_it(tokens: dict[str, float]) -> None:
    expected = theirs(choice(tokens))
    if math.isnan(expected):
        with pytest.raises(UnparsableVerdictError):
            ours(choice(tokens))
    else:
        assert ours(choice(tokens)) == pytest.approx(expected, abs=1e-9)


def test_real_completions_are_read_as_alpaca_eval_reads_them(alpaca_data: Path) -> None:
    count = 0
    for file in sorted(alpaca_data.glob("*.annotations.json.gz")):
        for row in read(file):
            if raw := row.get("raw_completion"):
                raw = ast.literal_eval(raw) if isinstance(raw, str) else raw
                assert ours(raw) == pytest.approx(theirs(raw), abs=1e-9)
                count += 1
    assert count > 8000


@pytest.mark.parametrize(
    ("first", "pairs"),
    [
        (2 / 3, [(" m", math.log(0.6)), (" M", math.log(0.3)), ("The", math.log(0.05))]),
        (2 / 3, [("m", math.log(0.4)), ("M", math.log(0.3)), (" m", math.log(0.2))]),
        (2 / 3, [("▁m", math.log(0.6)), ("Ġm", math.log(0.2)), ("M\n", math.log(0.4))]),
        (2 / 3, [("m", math.log(0.3)), ("M", math.log(0.2)), ("m", math.log(0.1))]),
        (0.75, [("m", math.log(0.75)), ("m", math.log(0.75)), ("M", math.log(0.25))]),
        (1.0, [("m", 0.0), ("M", None)]),
        (0.0, [("m", "-Infinity"), ("M", -0.1)]),
        (1.0, [("m", -0.1), ("M", -9999.0)]),
        (1.0, [("m", 1e-7), ("M", -INF)]),
        (0.5, [("m", -100.0), ("M", -100.0)]),
        (0.75, [("m", math.log(0.75)), ("M", math.log(0.25)), ("The", NAN)]),
    ],
)
def test_equal_texts_add_up_and_what_is_impossible_weighs_nothing(first: float, pairs: list[tuple[str, Any]]) -> None:
    assert ours(listed(*pairs)) == pytest.approx(2.0 - first, abs=1e-9)


def test_spaced_spellings_too_faint_to_matter_are_left_out_as_in_alpaca_eval() -> None:
    tokens = {"m": math.log(0.7), "M": math.log(0.3), " M": -15.1}
    assert ours(choice(tokens)) == pytest.approx(theirs(choice(tokens)), abs=1e-12)


@pytest.mark.parametrize(
    "pairs",
    [
        [("m", NAN), ("M", -0.1)], [("m", INF), ("M", -0.1)], [("m", 5.0), ("M", -3.0)], [("m", 10**400), ("M", -1.0)],
        [("m", None), ("M", None)], [("m", -INF), ("M", -INF)], [("m", -9999.0), ("M", -9999.0)],
        [("m", "x"), ("M", -1)], [("m", True), ("M", -1)], [("m", [1]), ("M", -1)], [("8", -0.1), ("'", -3.0)],
        [(["m"], -1)], [],
    ],
)  # fmt: skip
def test_a_broken_list_is_no_verdict(pairs: list[tuple[Any, Any]]) -> None:
    with pytest.raises(UnparsableVerdictError):
        ours(listed(*pairs))


LOGS = {"m": math.log(0.75), "M": math.log(0.25)}


@pytest.mark.parametrize(
    "logprobs",
    [
        {"text_offset": [0], "tokens": ["m"], "token_logprobs": [LOGS["m"]], "top_logprobs": [LOGS]},
        {"content": None, "top_logprobs": [LOGS]},
        {"content": [{"token": "m", "logprob": LOGS["m"], "top_logprobs": LOGS}]},
        [{"token": "m", "top_logprobs": [{"token": t, "logprob": v} for t, v in LOGS.items()]}],
        {"content": [{"token": "m", "top_logprobs": {"76": {"logprob": LOGS["m"], "rank": 1, "decoded_token": "m"},
                                                     "44": {"logprob": LOGS["M"], "rank": 2, "decoded_token": "M"}}}]},
        {"content": [{"token": None, "top_logprobs": [{"token": None, "logprob": 0.0}]},
                     {"token": "m", "top_logprobs": [*({"token": t, "logprob": v} for t, v in LOGS.items()),
                                                     {"token": None, "logprob": None}]}]},
        {"content": [{"token": "m", "top_logprobs": [{"bytes": [ord(t)], "logprob": v} for t, v in LOGS.items()]}]},
        {"content": [{"token": "\n", "top_logprobs": [{"token": "\n", "logprob": -0.1}]},
                     {"token": "m", "top_logprobs": [{"token": t, "logprob": v} for t, v in LOGS.items()]}]},
    ],
)  # fmt: skip
def test_each_shape_in_which_servers_send_them_is_read(logprobs: object) -> None:
    assert ours({"logprobs": logprobs}) == pytest.approx(1.25)


@pytest.mark.parametrize(
    "empty",
    [
        {}, {"logprobs": None}, {"logprobs": {"content": []}}, choice({"A": -1.0}), {"logprobs": "abc"},
        {"logprobs": [{"token": "m", "logprob": -0.3}]}, {"logprobs": {"content": [5]}}, {"logprobs": {"content": "m"}},
        {"logprobs": {"content": [{"token": "m", "logprob": 0.0, "top_logprobs": [{"token": "m"}]}]}},
        {"logprobs": {"content": [{"top_logprobs": 3}]}}, {"logprobs": {"content": [{"top_logprobs": [{}]}]}},
        {"logprobs": {"content": [{"top_logprobs": [{"bytes": [300], "logprob": -1}]}]}},
        {"logprobs": {"tokens": 3, "top_logprobs": [None]}},
    ],
)  # fmt: skip
def test_a_completion_without_the_tokens_is_no_verdict(empty: dict) -> None:
    with pytest.raises(UnparsableVerdictError):
        ours(empty)


def test_where_a_server_gives_none_the_message_names_what_helps() -> None:
    with pytest.raises(UnparsableVerdictError, match="judge=gpt_4_1_cot judge.model_name="):
        ours({"logprobs": None})
    with pytest.raises(UnparsableVerdictError, match=r"judge\.tokens"):
        ours(choice({"A": -0.1}))


TRUE = {"m": math.log(0.75), "M": math.log(0.25)}


def positions(*places: tuple[str, dict[str, float]]) -> dict:
    tops = [[{"token": t, "logprob": v} for t, v in top.items()] for _, top in places]
    content = [{"token": text, "top_logprobs": top} for (text, _), top in zip(places, tops, strict=True)]
    return {"logprobs": {"content": content}}


TRACE = {"m": -20.0, "M": -15.0}
"""What a model that is about to think lists of the two letters."""


@pytest.mark.parametrize(
    "before",
    [
        [("<think>", TRACE), ("hm", {"M": -3.0}), ("</think>", {}), ("\n\n", {})],
        [("Okay", TRACE), (" so", {}), ("</think>", {}), ("\n\n", {})],
        [("<|channel|>", TRACE), ("analysis", {}), ("<|message|>", {}), ("hm", {}), ("<|channel|>", {}), ("final", {}),
         ("<|message|>", TRACE)],
        [('"', {'"': -0.01, "m": -9.0, "M": -8.0})],
        [("**", {"**": -0.01, "m": -9.0, "M": -8.0})],
        [("", {})],
    ],
)  # fmt: skip
def test_the_tokens_are_weighed_where_the_answer_begins(before: list[tuple[str, dict[str, float]]]) -> None:
    assert preference_from_logprobs(positions(*before, ("m", TRUE)), "m", "M", "m") == pytest.approx(1.25)


def test_behind_a_trace_that_the_server_took_out_the_text_tells_where_the_answer_begins() -> None:
    found = positions(("Okay", TRACE), (" so", {}), ("m", TRUE), ("<|im_end|>", {}))
    assert preference_from_logprobs(found, "m", "M", "m") == pytest.approx(1.25)


def test_what_was_cut_in_its_trace_or_answers_something_else_is_no_verdict() -> None:
    judge = load_judge("gpt_4_1", "judge.base_url=http://127.0.0.1:9/v1")
    (question,) = judge.questions(made_up_pairs(1))

    def refused(raw: dict, text: str, reasoning: str | None = None) -> str:
        with pytest.raises(UnparsableVerdictError) as error:
            judge.read(Completion(text, raw, "length", 1, 1, reasoning=reasoning), question)
        return str(error.value)

    assert "cut in its reasoning trace" in refused(positions(("<think>", TRACE)), "<think>")
    assert "cut in its reasoning trace" in refused(positions(("Okay", TRACE)), "", "Okay")
    assert "judge.tokens" in refused(positions(("The", {"The": -1e-4, "m": -14.0, "M": -16.0})), "The")
    assert "judge=gpt_4_1_cot" in refused(positions(("m", {})), "m")


def test_log_probabilities_as_texts_are_read() -> None:
    assert ours(listed(("m", "-0.1"), ("M", "-0.1"))) == pytest.approx(1.5)
