"""What servers do that no documentation has: each counts for the prompt it meets, and none stores a wrong answer."""

from __future__ import annotations

import gzip
import json
import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alpacabench.core.errors import JudgeError
from alpacabench.core.hosts import public_url
from alpacabench.endpoint.waits import Waits
from alpacabench.endpoint.wire import RefusedError
from alpacabench.store.store import Store
from tests.helpers.endpoint_data import failures, generated, judge_at
from tests.helpers.fakes.http_server import HttpServer, Request, Response, error
from tests.helpers.fakes.openai_server import chat_server, choice_of, made_up
from tests.helpers.judge_data import made_up_pairs
from tests.model.test_model_api import PROMPTS

FLAGGED = Response({"error": {"code": 403, "message": "requires moderation and your input was flagged"}}, 403)
WITHIN = Response({"id": None, "choices": None, "error": {
    "message": "Provider returned error", "code": 400, "metadata": {"raw": "prompt is too long"}}})  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with Store(f"sqlite:///{tmp_path}/store.db") as store:
        yield store


def about(body: dict[str, Any], *numbers: int) -> bool:
    return any(f"Question {number}?" in body["messages"][-1]["content"] for number in numbers)


@pytest.mark.parametrize("place", [0, 19])
@pytest.mark.parametrize(
    "refusal",
    [
        FLAGGED, WITHIN, error(402, "can only afford 12 tokens"), error(400, "no"), error(403, "no"), error(413, "no"),
        Response({"choices": [{"index": 0, "finish_reason": "error", "error": {"code": 400, "message": "no"}}]}),
        Response({"choices": [choice_of(1.0) | {"finish_reason": "content_filter"}]}),
        Response({"object": "error", "message": "no", "type": "BadRequestError", "code": 400}),
    ],
)  # fmt: skip
def test_what_is_refused_for_one_prompt_is_that_prompts_wherever_it_stands(
    store: Store, refusal: Response, place: int
) -> None:
    with chat_server(lambda body: refusal if about(body, place) else made_up(body)) as server:
        assert failures(server.url, store) == (19, 1)
        assert len(server.requests) == 20
        # The prompt alone is left, and refused again: the run still ends as it should.
        assert failures(server.url, store) == (19, 1)
    assert len(server.requests) == 21


def test_many_prompts_that_a_filter_refuses_are_theirs_also_where_only_they_are_left(store: Store) -> None:
    with chat_server(lambda body: FLAGGED if about(body, *range(8)) else made_up(body)) as server:
        for _ in range(2):
            assert failures(server.url, store) == (12, 8)


def test_a_permission_that_ends_meanwhile_stops_the_run(store: Store) -> None:
    served = iter(range(100))
    with chat_server(lambda body: made_up(body) if next(served) < 10 else error(402, "no credit")) as server:
        with pytest.raises(JudgeError, match="no quota left"):
            failures(server.url, store, 60, concurrency=1)
        assert len(server.requests) == 15


def test_an_error_within_a_reply_that_may_pass_is_asked_again(store: Store) -> None:
    failing = iter([True, False, True])
    overloaded = Response({"error": {"message": "overloaded", "type": "server_error"}})
    with chat_server(lambda body: overloaded if next(failing, False) else made_up(body)) as server:
        assert failures(server.url, store, 5) == (5, 0)
    assert len(server.requests) == 7


def test_a_server_that_streams_unless_told_is_told(store: Store) -> None:
    def answer(body: dict[str, Any]) -> Any:
        return made_up(body) if body.get("stream", True) is False else Response("data: {}\n\ndata: [DONE]\n\n")

    with chat_server(answer) as server:
        assert failures(server.url, store, 3) == (3, 0)


def test_one_that_streams_all_the_same_is_named(store: Store) -> None:
    with (
        chat_server(lambda body: Response("data: {}\n\n")) as server,
        pytest.raises(JudgeError, match="stream of events"),
    ):
        failures(server.url, store)
    assert len(server.requests) == 4


@pytest.mark.parametrize("option", ["gpt_4_1", "claude"])
def test_a_query_of_the_base_url_stands_behind_the_path_of_each_request(store: Store, option: str) -> None:
    def handle(request: Request) -> Response:
        if request.path.partition("?")[0].endswith("/messages"):
            return Response({"content": [{"type": "text", "text": "Verdict: m"}], "stop_reason": "end_turn"})
        return Response({"choices": [choice_of(1.25)]})

    with HttpServer(handle) as server:
        url = server.url.removesuffix("/v1") + "/openai/deployments/judge?api-version=2024-06-01"
        judge_at(url, option).judge(made_up_pairs(1), store)
    path = "/v1/messages" if option == "claude" else "/chat/completions"
    assert server.requests[0].path == f"/openai/deployments/judge{path}?api-version=2024-06-01"
    assert "api-version" not in public_url(url)


@pytest.mark.parametrize(
    "message",
    [
        "System role not supported", "Conversation roles must alternate user/assistant/user/assistant/...",
        "Developer instruction is not enabled for models/gemma-3-4b-it", "this model does not support system messages",
    ],
)  # fmt: skip
def test_where_no_system_message_is_known_its_text_stands_before_the_users(store: Store, message: str) -> None:
    def answer(body: dict[str, Any]) -> Any:
        return error(400, message) if body["messages"][0]["role"] == "system" else made_up(body)

    with chat_server(answer) as server:
        assert failures(server.url, store, 10) == (10, 0)
    assert len(server.requests) == 11
    first, second = (request.body["messages"] for request in server.requests[:2])
    (merged,) = second
    assert merged["role"] == "user" and merged["content"].startswith(first[0]["content"] + "\n\n")


def test_it_is_learned_also_where_the_first_prompts_have_no_system_text(store: Store) -> None:
    def answer(body: dict[str, Any]) -> Any:
        plain = {"message": {"role": "assistant", "content": "A"}, "finish_reason": "stop"}
        return error(400, "System role not supported") if body["messages"][0]["role"] == "system" else plain

    with chat_server(answer) as server:
        prompts = [PROMPTS[0], *(replace(prompt, system="Be brief.") for prompt in PROMPTS[1:])]
        assert generated(server.url, store, prompts=prompts) == ["A"] * 3


@pytest.mark.parametrize("asked", ["25200", "86400", "1e300"])
def test_a_server_that_sends_everyone_away_for_hours_is_not_waited_for(store: Store, asked: str) -> None:
    served = iter(range(100))
    limit = error(429, "tokens per day: try again in 7h", "rate_limit_exceeded", **{"retry-after": asked})
    with chat_server(lambda body: made_up(body) if next(served) < 3 else limit) as server:
        start = time.monotonic()
        with pytest.raises(JudgeError, match=r"asks to come back in .*tokens per day") as caught:
            failures(server.url, store, 20, concurrency=2)
    assert time.monotonic() - start < 10
    assert "what was answered is kept" in str(caught.value)


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Rate limit reached for requests per day. Please try again in 6h3m0.5s. Visit ...", 21780.5),
        ("Please retry after 26 seconds.", 26.0), ("try again in 20ms.", 0.02), ("Please retry in 35.47s.", 35.47),
        ("Try again in 1 day, 2 hours and 3 minutes", 93780.0), ("try again in a while", None), ("try again", None),
        ("retry after " + "9" * 400 + "s", 999999999999.0),
    ],
)  # fmt: skip
def test_a_wait_that_is_told_in_words_is_read(words: str, seconds: float | None) -> None:
    assert RefusedError(429, words).retry_after == seconds
    assert RefusedError(429, words, retry_after=1.0).retry_after == 1.0


def test_a_server_that_says_hours_in_words_alone_is_not_waited_for(store: Store) -> None:
    limit = error(429, "Rate limit reached for requests per day. Please try again in 6h0m0s.", "rate_limit_exceeded")
    served = iter(range(100))
    with (
        chat_server(lambda body: made_up(body) if next(served) < 3 else limit) as server,
        pytest.raises(JudgeError, match=r"asks to come back in 6.0 h"),
    ):
        failures(server.url, store, 20, concurrency=2)


@pytest.mark.parametrize(
    "asked", ["86400", "inf", "nan", "Infinity", "-5", "soon", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"]
)
def test_one_odd_retry_after_holds_nothing_up(store: Store, asked: str) -> None:
    odd = iter([False, True])
    limit = error(429, "slow down", "rate_limit_exceeded", **{"retry-after": asked})
    with chat_server(lambda body: limit if next(odd, False) else made_up(body)) as server:
        start = time.monotonic()
        assert failures(server.url, store, 5) == (5, 0)
    assert time.monotonic() - start < 5


def test_a_wait_of_more_than_a_minute_is_told(caplog: pytest.LogCaptureFixture) -> None:
    waits = Waits("http://here/v1")
    with caplog.at_level(logging.WARNING):
        assert 300 <= waits.seconds(1, 300.0, "HTTP 429: slow down") <= 315
        waits.seconds(1, 300.0, "HTTP 429: slow down")
        waits.seconds(1, None, "HTTP 500")
    assert [record.getMessage().partition(";")[0] for record in caplog.records] == [
        "http://here/v1: HTTP 429: slow down"
    ]
    assert "trying again in 5 min, at " in caplog.text


def test_a_server_that_drips_is_given_up_in_time_and_asked_again(store: Store) -> None:
    slow = iter([False, True, True])
    body = {"choices": [choice_of(1.0)]}
    with chat_server(lambda _: Response(body, drip=0.05) if next(slow, False) else made_up(_)) as server:
        start = time.monotonic()
        assert failures(server.url, store, 3, timeout=1) == (3, 0)
    assert time.monotonic() - start < 8
    assert len(server.requests) == 5


@pytest.mark.parametrize("compressed", [True, False])
def test_a_body_without_an_end_is_no_completion(store: Store, compressed: bool) -> None:
    data = json.dumps({"choices": [choice_of(1.0)], "padding": "A" * 40_000_000}).encode()
    huge = (
        Response(gzip.compress(data, mtime=0), headers={"content-encoding": "gzip"}) if compressed else Response(data)
    )
    first = iter([True])
    with chat_server(lambda body: huge if next(first, False) else made_up(body)) as server:
        assert failures(server.url, store, 3) == (3, 0)
    assert len(server.requests) == 4


def test_a_server_that_says_soon_and_goes_on_refusing_is_given_time() -> None:
    waits = Waits("http://here/v1")
    assert waits.seconds(1, 0.0, "HTTP 429") < 0.1
    assert waits.seconds(6, 0.0, "HTTP 429") >= 8.0
    assert waits.seconds(6, 60.0, "HTTP 429") >= 60.0
