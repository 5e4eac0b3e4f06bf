"""What each provider says when something is wrong, and in what form: shown to the user, over HTTP on loopback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alpacabench.core.errors import GenerationError, JudgeError
from alpacabench.decoding import Decoding
from alpacabench.sharding import Sharding
from alpacabench.store.store import Store
from tests.helpers.fakes.http_server import HttpServer, Response
from tests.helpers.judge_data import load_judge, made_up_pairs
from tests.model.test_model_api import PROMPTS, load_model

# (option, status, body as that provider sends it, what the user reads)
REFUSALS: list[tuple[str, int, Any, str]] = [
    ("openai", 401, {"error": {"message": "Incorrect API key provided: sk-x", "type": "invalid_request_error",
                               "param": None, "code": "invalid_api_key"}}, "it needs a key: export OPENAI_API_KEY"),
    ("openai", 404, {"error": {"message": "The model `gpt-9` does not exist", "type": "invalid_request_error",
                               "param": None, "code": "model_not_found"}}, "The model `gpt-9` does not exist"),
    ("openai", 429, {"error": {"message": "You exceeded your current quota", "type": "insufficient_quota",
                               "param": None, "code": "insufficient_quota"}}, "no quota left"),
    ("anthropic", 401, {"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}},
     "export ANTHROPIC_API_KEY"),
    ("anthropic", 404, {"type": "error", "error": {"type": "not_found_error", "message": "model: claude-0"}},
     "model: claude-0"),
    ("anthropic", 400, {"type": "error", "error": {"type": "invalid_request_error",
                                                   "message": "max_tokens: 99999 > 8192"}}, "max_tokens: 99999 > 8192"),
    ("gemini", 400, [{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.",
                                "status": "INVALID_ARGUMENT"}}], "API key not valid"),
    ("gemini", 404, [{"error": {"code": 404, "message": "models/gemini-0 is not found", "status": "NOT_FOUND"}}],
     "models/gemini-0 is not found"),
    ("mistral_api", 401, {"message": "Unauthorized", "request_id": "r"}, "Unauthorized"),
    ("mistral_api", 400, {"object": "error", "message": "Invalid model: mistral-0", "type": "invalid_model",
                          "param": None, "code": "1500"}, "Invalid model: mistral-0"),
    ("mistral_api", 422, {"detail": [{"loc": ["body", "temperature"], "msg": "should be at most 1.5"}]},
     "should be at most 1.5"),
    ("openai_compatible", 400, {"detail": "Server is pinned to 'a'; requested 'b'."}, "pinned to 'a'"),
    ("openai_compatible", 400, {"object": "error", "message": "top_p must be in (0, 1]", "code": 400}, "top_p must be"),
    ("openai_compatible", 404, {"error": "model 'x' not found, try pulling it first"}, "try pulling it first"),
    ("openai_compatible", 404, "404 page not found", "404 page not found"),
]  # fmt: skip


@pytest.mark.parametrize(("option", "status", "body", "told"), REFUSALS, ids=[f"{r[0]}-{r[1]}" for r in REFUSALS])
def test_what_a_provider_refuses_is_shown_in_its_own_words_and_soon(
    option: str, status: int, body: Any, told: str, tmp_path: Path
) -> None:
    with HttpServer(lambda _: Response(body, status)) as server, Store(f"sqlite:///{tmp_path}/s.db") as store:
        model = load_model(option, f"model.base_url={server.url}", "model.path=m")
        with pytest.raises(GenerationError) as caught:
            model.generate(PROMPTS, Decoding(), Sharding(), store)
    assert told in str(caught.value) and f"HTTP {status}" in str(caught.value)
    # A wrong key or model is everyone's at once; anything else until three different prompts agree.
    assert len(server.requests) == (1 if status in (401, 404, 429) else 3)


FIXED = (
    "Unsupported value: 'temperature' does not support 0.0 with this model. Only the default (1) value is supported."
)


def fixed(request: Any) -> Response:
    """Answer as a model that fixes its temperature."""
    if "temperature" in request.body:
        error = {"message": FIXED, "type": "invalid_request_error", "param": "temperature", "code": "unsupported_value"}
        return Response({"error": error}, 400)
    return Response({"choices": [{"message": {"content": "Verdict: M"}, "finish_reason": "stop"}]})


def test_a_model_that_fixes_its_temperature_is_asked_without_one_as_the_message_says(tmp_path: Path) -> None:
    with HttpServer(fixed) as server, Store(f"sqlite:///{tmp_path}/s.db") as store:
        model = load_model("openai", f"model.base_url={server.url}", "model.path=m")
        with pytest.raises(GenerationError, match="set decoding.temperature=null") as caught:
            model.generate(PROMPTS, Decoding(), Sharding(), store)
        answers = model.generate(PROMPTS, Decoding(temperature=None), Sharding(), store)
    assert FIXED in str(caught.value)
    assert [answer.text for answer in answers] == ["Verdict: M"] * 3


def test_a_judge_that_fixes_its_temperature_is_asked_without_one_as_the_message_says(tmp_path: Path) -> None:
    with HttpServer(fixed) as server, Store(f"sqlite:///{tmp_path}/s.db") as store:
        where = f"judge.base_url={server.url}"
        with pytest.raises(JudgeError, match="a judge's: judge.temperature=null"):
            load_judge("gpt_4_1_cot", where).judge(made_up_pairs(2), store)
        verdicts = load_judge("gpt_4_1_cot", where, "judge.temperature=null").judge(made_up_pairs(2), store)
    assert all(verdict.preference is not None for verdict in verdicts)


def test_a_temperature_out_of_range_is_not_said_to_be_fixed(tmp_path: Path) -> None:
    body = {"detail": [{"loc": ["body", "temperature"], "msg": "should be at most 1.5"}]}
    with HttpServer(lambda _: Response(body, 422)) as server, Store(f"sqlite:///{tmp_path}/s.db") as store:
        model = load_model("mistral_api", f"model.base_url={server.url}", "model.path=m")
        with pytest.raises(GenerationError) as caught:
            model.generate(PROMPTS, Decoding(temperature=2.0), Sharding(), store)
    assert "fixes" not in str(caught.value)


@pytest.mark.parametrize(
    ("option", "status", "body"),
    [
        ("openai", 429, {"error": {"message": "Rate limit", "type": "requests", "code": "rate_limit_exceeded"}}),
        ("anthropic", 529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
        ("gemini", 503, [{"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}]),
        ("mistral_api", 429, {"message": "Requests rate limit exceeded", "request_id": "r"}),
    ],
)  # fmt: skip
def test_what_passes_is_tried_again(option: str, status: int, body: Any, tmp_path: Path) -> None:
    refused = iter([True, False, True])

    def handle(request: Any) -> Response:
        if next(refused, False):
            return Response(body, status, {"retry-after": "0"})
        if request.path.endswith("/messages"):
            return Response({"content": [{"type": "text", "text": "A"}], "stop_reason": "end_turn"})
        return Response({"choices": [{"message": {"content": "A"}, "finish_reason": "stop"}]})

    with HttpServer(handle) as server, Store(f"sqlite:///{tmp_path}/s.db") as store:
        model = load_model(option, f"model.base_url={server.url}", "model.path=m")
        answers = model.generate(PROMPTS, Decoding(), Sharding(), store)
    assert [a.text for a in answers] == ["A"] * 3
    assert len(server.requests) == 5


@pytest.mark.parametrize(
    ("option", "body", "finish", "reasoning"),
    [
        ("openai", {"choices": [{"message": {"content": "A"}, "finish_reason": "length"}]}, "length", None),
        ("openai_compatible", {"choices": [{"message": {"content": "A", "reasoning_content": "hm"},
                                            "finish_reason": "stop"}]}, "stop", "hm"),
        ("mistral_api", {"choices": [{"message": {"content": [
            {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "A"},
        ]}, "finish_reason": "model_length"}]}, "length", "hm"),
        ("anthropic", {"content": [{"type": "thinking", "thinking": "hm", "signature": "x"},
                                   {"type": "text", "text": "A"}], "stop_reason": "end_turn"}, "stop", "hm"),
        ("anthropic", {"content": [{"type": "text", "text": "A"}], "stop_reason": "model_context_window_exceeded"},
         "length", None),
    ],
)  # fmt: skip
def test_each_form_of_an_answer_is_read(
    option: str, body: Any, finish: str, reasoning: str | None, tmp_path: Path
) -> None:
    with HttpServer(lambda _: Response(body)) as server, Store(f"sqlite:///{tmp_path}/s.db") as store:
        model = load_model(option, f"model.base_url={server.url}", "model.path=m")
        answer = model.generate(PROMPTS[:1], Decoding(), Sharding(), store)[0]
    assert (answer.text, answer.finish_reason, answer.reasoning) == ("A", finish, reasoning)
