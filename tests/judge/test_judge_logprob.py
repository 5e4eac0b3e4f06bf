"""Our reading of log probabilities equals alpaca_eval's."""

from __future__ import annotations

import ast
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpacabench.judge.base import UnparsableVerdictError
from alpacabench.judge.logprob import preference_from_logprobs
from tests.helpers.fakes.openai_server import read

logprob = st.floats(-120, 0, allow_nan=False)


def theirs(choice: dict, **arguments: object) -> float:
    from alpaca_eval.completion_parsers import logprob_parser

    return logprob_parser(choice, "m", ["m", "M"], is_binarize=False, **arguments)[0]


def choice(tokens: dict[str, float]) -> dict:
    top = [{"token": token, "logprob": value} for token, value in tokens.items()]
    return {"logprobs": {"content": [{"token": "m", "logprob": 0.0, "top_logprobs": top}]}}


@given(st.dictionaries(st.sampled_from(["m", "M", "The", " m", "Both"]), logprob, min_size=1))
def test_any_list_of_tokens_is_read_as_alpaca_eval_reads_it(tokens: dict[str, float]) -> None:
    expected = theirs(choice(tokens))
    if math.isnan(expected):
        with pytest.raises(UnparsableVerdictError):
            preference_from_logprobs(choice(tokens), "m", "M")
    else:
        assert preference_from_logprobs(choice(tokens), "m", "M") == pytest.approx(expected, abs=1e-9)


def test_real_completions_are_read_as_alpaca_eval_reads_them(alpaca_data: Path) -> None:
    count = 0
    for row in read(alpaca_data / "claude-2.1.annotations.json.gz"):
        raw = row["raw_completion"]
        if raw:
            raw = ast.literal_eval(raw) if isinstance(raw, str) else raw
            assert preference_from_logprobs(raw, "m", "M") == pytest.approx(theirs(raw), abs=1e-9)
            count += 1
    assert count > 800


@pytest.mark.parametrize("empty", [{}, {"logprobs": None}, {"logprobs": {"content": []}}, choice({"A": -1.0})])
def test_a_completion_without_the_tokens_is_no_verdict(empty: dict) -> None:
    with pytest.raises(UnparsableVerdictError):
        preference_from_logprobs(empty, "m", "M")
