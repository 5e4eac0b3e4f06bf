"""What servers refuse, in the words of many, is learned or told with the key to set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alpacabench.endpoint.dialect import Dialect
from alpacabench.endpoint.wire import RefusedError
from alpacabench.store.store import Store
from tests.helpers.fakes.http_server import Response
from tests.helpers.fakes.openai_server import chat_server, made_up
from tests.helpers.judge_data import load_judge, made_up_pairs


@pytest.mark.parametrize(
    "words",
    [
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "Unknown parameter: 'max_tokens'.",
        "Unrecognized request argument supplied: max_tokens",
        '[{"loc": ["body", "max_tokens"], "msg": "Extra inputs are not permitted"}]',
        "max_tokens is deprecated for this model",
        "The field max_tokens cannot be used with reasoning models.",
        "This parameter is unavailable for this model. (max_tokens)",
    ],
)
def test_the_limits_other_name_is_tried_once(words: str) -> None:
    dialect = Dialect()
    assert dialect.learn(RefusedError(400, words)) and "max_completion_tokens" in dialect.apply({"max_tokens": 5})
    assert not dialect.learn(RefusedError(400, words))


@pytest.mark.parametrize("words", ["max_tokens must be at least 1", "the prompt is too long", "max_tokens: got -3"])
def test_a_refused_value_changes_no_name(words: str) -> None:
    assert not Dialect().learn(RefusedError(400, words))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("logprobs are only available when reasoning effort is none", "reasoning_effort=none"),
        ("Log probabilities cannot be returned while thinking is on", "reasoning_effort=none"),
        ("You are not allowed to request logprobs from this model", "written verdict"),
        ("log_probs: unknown field", "written verdict"),
        ("Unknown parameter: 'reasoning_effort'", "to null"),
        ("effort must be one of low, high", "to null"),
        ("Unsupported value: 'temperature' does not support 0 with this model.", "temperature=null"),
        ("Unknown parameter: 'temperature'.", "temperature=null"),
        ("temperature must be 1 for this model", "temperature=null"),
        ("temperature may only be set to 1", "temperature=null"),
        ("temperature must be 1.5 or less", ""),
        ("temperature is not between 0 and 2", ""),
    ],
)
def test_the_key_to_set_is_told(words: str, told: str) -> None:
    remedy = Dialect().remedy(RefusedError(400, words))
    assert told in remedy and bool(told) == bool(remedy)


def test_a_field_that_stands_beside_the_words_is_read(tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> object:
        if "max_tokens" not in body:
            return made_up(body)
        said = {"error": {"message": "This parameter is not supported.", "param": "max_tokens", "code": None}}
        return Response(said, 400)

    with chat_server(answer) as server, Store(f"sqlite:///{tmp_path}/store.db") as store:
        judge = load_judge("gpt_4_1", f"judge.base_url={server.url}", "judge.model_name=some")
        verdicts = judge.judge(made_up_pairs(5), store)
    assert all(v.preference is not None for v in verdicts)
    assert server.requests[-1].body["max_completion_tokens"] == 1
