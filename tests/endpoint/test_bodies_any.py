"""Whatever bytes a server sends, they are an answer or an error of ours: no traceback, and never half an answer."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alpacabench.endpoint import anthropic_wire, openai_wire
from alpacabench.endpoint.sdk import text_of
from alpacabench.endpoint.wire import BrokenError, RefusedError, UnfinishedError, seconds_to_wait, whole
from tests.helpers.random_json import encoded_somehow, mutated

FEW = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def some(**fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


reason = st.sampled_from(["stop", "length", "eos", "content_filter", "tool_calls", None, 7, "STOP"]) | anything
part = some(
    type=st.sampled_from(["text", "thinking", "refusal"]),
    text=st.text() | anything,
    refusal=anything,
    thinking=anything,
)
call = some(function=some(name=anything, arguments=st.just("{}") | anything) | anything)
message = some(
    content=st.text() | st.lists(part | anything, max_size=3) | anything,
    tool_calls=st.lists(call, max_size=2) | anything,
    function_call=anything, refusal=st.text() | anything, reasoning_content=anything, reasoning=anything,
)  # fmt: skip
error = some(message=st.text() | anything, code=st.integers(0, 600) | anything, type=anything, metadata=anything)
usage = some(
    prompt_tokens=anything, completion_tokens=anything, prompt_tokens_details=some(cached_tokens=anything) | anything
)
choice = some(index=st.integers(0, 2), message=message | anything, text=st.text() | anything, finish_reason=reason,
              logprobs=anything, error=error | anything)  # fmt: skip
chat = some(
    choices=st.lists(choice | anything, max_size=2) | anything,
    usage=usage | anything,
    error=st.none() | error | anything,
)
block = some(
    type=st.sampled_from(["text", "thinking", "tool_use"]), text=st.text() | anything, thinking=anything, input=anything
)
claude = some(content=st.lists(block | anything, max_size=3) | anything, stop_reason=reason, usage=usage | anything,
              type=anything, error=error | anything)  # fmt: skip


def encoded(value: Any) -> st.SearchStrategy[bytes]:
    text = json.dumps(value)
    return st.sampled_from([text.encode(), text.encode("utf-8-sig"), text.encode("utf-16"), text.encode()[:-1]])


bodies = (
    chat.flatmap(encoded) | claude.flatmap(encoded) | anything.flatmap(encoded) | st.binary(max_size=40)
    | chat.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
)  # fmt: skip


def reads(data: bytes, called: bool) -> int:
    """Read a body as both wires do: a whole completion that can be stored, or an error of ours; return how many are."""
    found = 0
    for parse in (lambda text: openai_wire.parse(text, 0.0, called), lambda text: anthropic_wire.parse(text, 0.0)):
        try:
            completion = whole(parse(text_of(httpx2.Response(200, content=data))))
        except (BrokenError, RefusedError, UnfinishedError):
            continue
        assert isinstance(completion.text, str) and completion.text.encode() is not None
        assert completion.reasoning is None or isinstance(completion.reasoning, str)
        assert completion.finish_reason in ("stop", "length")
        for number in (completion.prompt_tokens, completion.completion_tokens, completion.cached_tokens):
            assert type(number) is int and number >= -1  # what cannot be is -1, and its cost unknown
        json.dumps(completion.raw).encode()
        found += 1
    return found


@FEW
@given(bodies, st.booleans())
def test_any_body_is_an_answer_or_an_error_of_ours(data: bytes, called: bool) -> None:
    reads(data, called)


CALLED = {"type": "function", "function": {"name": "rank", "arguments": '{"a": 1}'}}
PARTS = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "yes"}]
USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}
SAID: tuple[dict[str, Any], ...] = (
    {"role": "assistant", "content": "yes", "reasoning_content": "hm", "refusal": None},
    {"role": "assistant", "content": None, "tool_calls": [CALLED]},
    {"role": "assistant", "content": PARTS},
    {"role": "assistant", "content": "", "refusal": "no"},
)
BLOCKS = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "yes"}]
SENT: tuple[dict[str, Any], ...] = (
    *({"choices": [{"index": 0, "message": said, "finish_reason": "stop", "logprobs": None}], "usage": USAGE}
      for said in SAID),
    {"choices": [{"index": 0, "text": "yes", "finish_reason": "length"}], "usage": USAGE},
    {"choices": [{"index": 0, "error": {"code": 502, "message": "overloaded", "metadata": {"raw": "x"}}}]},
    {"error": {"message": "no", "code": "invalid_prompt", "type": "x"}}, {"detail": [{"msg": "no"}]},
    {"type": "message", "content": BLOCKS, "stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 1}},
    {"content": [{"type": "tool_use", "input": {"a": 1}}], "stop_reason": "tool_use"},
)  # fmt: skip


@pytest.mark.slow
def test_ten_thousand_bodies_are_answers_or_errors_of_ours() -> None:
    random, found = Random(13), 0
    for _ in range(10_000):
        body = mutated(random.choice(SENT), random, 0.06)
        found += reads(encoded_somehow(json.dumps(body), random), random.random() < 0.5)
    assert 1_000 < found < 9_000


@FEW
@given(
    st.text(max_size=30) | st.floats().map(str) | st.dates().map(str),
    st.sampled_from(["retry-after", "retry-after-ms"]),
)
def test_any_retry_after_is_a_time_or_none(value: str, name: str) -> None:
    seconds = seconds_to_wait({name: value})
    assert seconds is None or 0.0 <= seconds < float("inf")
