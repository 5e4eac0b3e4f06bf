"""What bodies hold: an answer in any form is read, and what is none is a failure, never a stored answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from alpacabench.endpoint.openai_wire import parse
from alpacabench.endpoint.sdk import text_of
from alpacabench.endpoint.wire import BrokenError, RefusedError, whole
from alpacabench.store.store import Store
from tests.helpers.endpoint_data import generated, judge_at
from tests.helpers.fakes.http_server import HttpServer, Response
from tests.helpers.fakes.openai_server import chat_server
from tests.helpers.judge_data import made_up_pairs

WHOLE = {"choices": [{"index": 0, "message": {"content": "A"}, "finish_reason": "stop"}]}


def answers_to(body: Any, tmp_path: Path) -> list[str | None]:
    """Return what is stored of a model whose server sends this for its second prompt, and is well otherwise."""
    with (
        HttpServer(lambda r: Response(body) if b"Q1" in r.data else Response(WHOLE)) as server,
        Store(f"sqlite:///{tmp_path}/s.db") as store,
    ):
        return generated(server.url, store)


def chat(content: Any = "B", reason: Any = "stop", **message: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": {"content": content} | message, "finish_reason": reason}]}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (chat(reason=None), "B"), (chat(reason="eos"), "B"), (chat(reason=""), "B"), (chat(reason="STOP"), "B"),
        (chat(reason="end_turn"), "B"),
        (chat(reason="max_tokens"), "B"), (chat(["B"]), "B"), (chat({"type": "text", "text": "B"}), "B"),
        (chat([{"type": "text", "text": "B"}, {"type": "thinking", "thinking": []}]), "B"),
        (chat(None, refusal="I cannot."), "I cannot."), (chat("", tool_calls=[]), ""), (chat(""), ""),
        ({"choices": [WHOLE["choices"][0] | {"index": 1}, chat()["choices"][0]]}, "B"),
        (chat("\ud83d\ude00 \ud800 half"), "😀 \ufffd half"),
        (b"\xef\xbb\xbf" + json.dumps(chat()).encode(), "B"),
        (chat(tool_calls=[{"function": {"name": "f", "arguments": "{}"}}]), "B"),
        (chat() | {"error": {"code": 0, "message": ""}}, "B"), (chat() | {"base_resp": {"status_code": 0}}, "B"),
        (chat("hm\n</think>\n\nB"), "B"), (chat("`<think>` ends by `</think>`"), "`<think>` ends by `</think>`"),
    ],
)  # fmt: skip
def test_an_answer_in_an_odd_form_is_read(body: Any, text: str, tmp_path: Path) -> None:
    assert answers_to(body, tmp_path) == ["A", text, "A"]


@pytest.mark.parametrize(
    "body",
    [
        chat(reason="content_filter"), chat(reason="safety"), chat(reason="abort"),
        {"choices": []}, {"choices": None}, {"choices": [{"message": None, "finish_reason": "stop"}]},
        chat(None, tool_calls=[{"function": {"arguments": "{}"}}]), chat(reason=7), chat(None, reason="pause_turn"),
    ],
)  # fmt: skip
def test_what_did_not_end_as_an_answer_is_a_failure(body: Any, tmp_path: Path) -> None:
    assert answers_to(body, tmp_path) == ["A", None, "A"]


@pytest.mark.parametrize(
    "body",
    [
        {"choices": []}, {"choices": None}, {}, [chat()], "null", {"choices": [5]}, {"choices": [{"index": 0}]},
        chat(5),
        chat(None, reason=None), chat([5]), chat([{"type": "image_url"}]), {"choices": [{"message": "A"}]}, "", b"\x80",
        b"[" * 100_000 + b"]" * 100_000, json.dumps(WHOLE).encode()[:-9], json.dumps(WHOLE).encode("utf-16"),
        json.dumps(chat("\xe9"), ensure_ascii=False).encode("latin-1"),
        json.dumps(WHOLE).replace('"index": 0', '"index": ' + "9" * 9000).encode(), {"choices": [{"text": None}]},
    ],
)  # fmt: skip
def test_a_body_that_is_no_completion_is_broken(body: Any) -> None:
    data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    with pytest.raises((BrokenError, ValueError)):
        whole(parse(text_of(httpx2.Response(200, content=data)), 0.0))


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": -(10**9), "completion_tokens": -5}, {"prompt_tokens": "12", "completion_tokens": "x"}, [1],
        "x", {"prompt_tokens": True, "prompt_tokens_details": 3},
        {"prompt_tokens": float("inf"), "completion_tokens": 10**400},
        {"prompt_tokens": None, "prompt_tokens_details": {"cached_tokens": -3}}, {"prompt_tokens": [1]}, None,
    ],
)  # fmt: skip
def test_a_usage_that_cannot_be_is_told_apart_from_none(usage: Any) -> None:
    completion = parse(json.dumps(WHOLE | {"usage": usage}), 0.0)
    assert completion.prompt_tokens in (-1, 0, 12)
    assert {completion.completion_tokens, completion.cached_tokens} <= {-1, 0}
    told = usage if isinstance(usage, dict) else {}
    assert (completion.completion_tokens == -1) == (told.get("completion_tokens") is not None)


def test_the_arguments_of_a_function_may_be_an_object(tmp_path: Path) -> None:
    ranks = {"concise_explanation": "x", "ordered_models": [{"model": "M", "rank": 1}, {"model": "m", "rank": 2}]}

    def answer(body: dict[str, Any]) -> dict[str, Any]:
        call = {"type": "function", "function": {"name": body["tools"][0]["function"]["name"], "arguments": ranks}}
        return {"message": {"role": "assistant", "content": None, "tool_calls": [call]}, "finish_reason": "tool_calls"}

    with chat_server(answer) as server, Store(f"sqlite:///{tmp_path}/s.db") as store:
        judge = judge_at(server.url, "alpaca_eval", "judge.annotator=alpaca_eval_cot_gpt4_turbo_fn")
        verdicts = judge.judge(made_up_pairs(6), store)
    assert all(v.preference == (1.0 if v.model_first else 2.0) for v in verdicts)


def test_what_was_thought_and_stands_in_the_total_alone_is_billed() -> None:
    """Gemini's and Grok's usage: 1 token written, 1000 thought."""
    told = {"prompt_tokens": 100, "completion_tokens": 1, "total_tokens": 1101}
    assert parse(json.dumps(WHOLE | {"usage": told}), 0.0).completion_tokens == 1001
    for total in (101, 50, -7, None, "x"):
        usage = told | {"total_tokens": total}
        assert parse(json.dumps(WHOLE | {"usage": usage}), 0.0).completion_tokens == 1


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"base_resp": {"status_code": 1026, "status_msg": "new_sensitive"}, "choices": None}, 400, "new_sensitive"),
        ({"error": "Unexpected endpoint or method. Returning 200 anyway"}, 404, "Unexpected endpoint"),
        ([{"error": {"code": 400, "message": "no such field", "status": "INVALID_ARGUMENT"}}], 400, "no such field"),
        ({"error": "content blocked"}, 400, "content blocked"), ({"detail": "flagged by moderation"}, 400, "flagged"),
    ],
)  # fmt: skip
def test_an_error_with_status_200_is_told_in_its_own_words(body: Any, status: int, said: str) -> None:
    with pytest.raises(RefusedError, match=said) as caught:
        parse(json.dumps(body), 0.0)
    assert caught.value.status == status
