"""The endpoint client: faults, limits, refusals, keys; against a real HTTP server on loopback."""

from __future__ import annotations

import logging
import time
from collections import Counter
from pathlib import Path

import pytest

from alpacabench.core.errors import JudgeError
from alpacabench.judge.base import Judge
from alpacabench.run.ahead import Desk
from alpacabench.store.store import Store
from tests.helpers.fakes.http_server import Faults, HttpServer, error
from tests.helpers.fakes.openai_server import chat_server, choice_of, made_up
from tests.helpers.judge_data import load_judge, made_up_pairs, win_rate

KEY = "sk-very-secret-0123456789"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    with Store(f"sqlite:///{tmp_path}/store.db") as store:
        yield store


def judge_of(server: HttpServer, *overrides: str, option: str = "gpt_4_1") -> Judge:
    return load_judge(option, f"judge.base_url={server.url}", *overrides)


def test_every_pair_has_its_verdict_in_the_end_whatever_the_server_does(tmp_path: Path) -> None:
    pairs = made_up_pairs(150)
    faults = Faults(refused=1 / 3, retry_after="0.1", server_error=1 / 20, dropped=1 / 50, garbage=1 / 50)
    with chat_server(made_up) as quiet, Store(f"sqlite:///{tmp_path}/quiet.db") as store:
        expected = judge_of(quiet).judge(pairs, store)
    with chat_server(made_up, latency=0.01, faults=faults) as server, Store(f"sqlite:///{tmp_path}/s.db") as store:
        verdicts = judge_of(server, "judge.concurrency=24").judge(pairs, store)
    assert [v.preference for v in verdicts] == [v.preference for v in expected]
    assert server.max_in_flight <= 24
    assert {429, 500, "dropped"} <= set(server.statuses)


def test_a_refused_request_is_not_sent_again_before_retry_after(store: Store) -> None:
    faults = Faults(refused=0.3, retry_after="0.5")
    with chat_server(made_up, faults=faults) as server:
        judge_of(server).judge(made_up_pairs(60), store)
    sent: dict[bytes, list[float]] = {}
    for request in server.requests:
        sent.setdefault(request.data, []).append(request.at)
    again = [later - at for times in sent.values() for at, later in zip(times, times[1:], strict=False)]
    assert len(again) > 5
    assert min(again) >= 0.5


def test_the_first_request_goes_alone_and_its_verdict_counts(store: Store) -> None:
    with chat_server(made_up, latency=0.1) as server:
        judge_of(server).judge(made_up_pairs(10), store)
    assert len(server.requests) == 10
    assert server.requests[1].at - server.requests[0].at >= 0.1


def test_beside_a_model_only_the_first_question_of_all_goes_alone(store: Store) -> None:
    pairs = made_up_pairs(9)
    with chat_server(made_up, latency=0.5) as server:
        desk = Desk(judge_of(server), store)
        desk.open()
        desk.put(pairs[:1])
        while not server.answered_at:
            time.sleep(0.05)
        desk.put(pairs[1:])
        desk.close()
        assert len(server.requests) == len(pairs)
        assert server.max_in_flight == len(pairs) - 1


def test_a_key_that_the_server_wants_is_named_and_nothing_else_is_sent(store: Store) -> None:
    with chat_server(made_up, key=KEY) as server, pytest.raises(JudgeError, match="export OPENAI_API_KEY"):
        judge_of(server).judge(made_up_pairs(20), store)
    assert len(server.requests) == 1


def test_a_key_from_the_environment_is_used_and_shown_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    with chat_server(made_up, key=KEY) as server, Store(f"sqlite:///{tmp_path}/store.db") as store:
        judge = judge_of(server)
        assert judge.judge(made_up_pairs(3), store)[0].preference is not None
    seen = caplog.text + repr(judge) + "".join(p.read_bytes().decode("latin-1") for p in tmp_path.iterdir())
    assert KEY not in seen


def test_a_wrong_key_is_said_to_be_wrong_without_being_shown(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong-9876543210")
    with chat_server(made_up, key=KEY) as server, pytest.raises(JudgeError, match="is not accepted") as caught:
        judge_of(server).judge(made_up_pairs(3), store)
    assert "9876543210" not in str(caught.value)


def test_a_key_is_asked_for_before_anything_at_the_providers_own_host_only() -> None:
    (problem,) = load_judge("gpt_4_1").problems()
    assert problem.where == "judge.base_url"
    assert "OPENAI_API_KEY" in str(problem)
    assert list(load_judge("gpt_4_1", "judge.base_url=http://127.0.0.1:9/v1").problems()) == []


def test_a_retired_model_is_refused_with_substitutes_at_its_own_host_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    (problem,) = load_judge("weighted_alpaca_eval_gpt4_turbo").problems()
    assert "2026-03-26" in problem.what
    assert "judge=gpt_4_1" in problem.remedy
    elsewhere = load_judge("weighted_alpaca_eval_gpt4_turbo", "judge.base_url=http://127.0.0.1:9/v1")
    assert list(elsewhere.problems()) == []


def test_a_literal_password_in_a_url_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "judge.base_url='http://me:hunter2@example.org/v1'"
    (problem,) = load_judge("gpt_4_1", url).problems()
    assert "${oc.env:VAR}" in str(problem)
    assert "hunter2" not in str(problem) + repr(load_judge("gpt_4_1", url))
    monkeypatch.setenv("PROXY_PASSWORD", "hunter2")
    from_environment = "judge.base_url='http://me:${oc.env:PROXY_PASSWORD}@example.org/v1'"
    assert list(load_judge("gpt_4_1", from_environment).problems()) == []


def test_an_unreachable_server_is_named_soon(store: Store) -> None:
    start = time.monotonic()
    with pytest.raises(JudgeError, match=r"http://127.0.0.1:9/v1 gives no answer"):
        load_judge("gpt_4_1", "judge.base_url=http://127.0.0.1:9/v1").judge(made_up_pairs(3), store)
    assert time.monotonic() - start < 8


@pytest.mark.parametrize(
    ("refusal", "told", "requests"),
    [
        (error(404, "The model `x` does not exist", "model_not_found"), "no such model", 1),
        (error(403, "not for you"), "HTTP 403", 3),
        (error(402, "insufficient credits"), "no quota", 3),
        (error(400, "logprobs are not supported with this model", "unsupported_parameter"), "judge=gpt_4_1_cot", 1),
        (error(429, "You exceeded your current quota", "insufficient_quota"), "no quota", 1),
    ],
)
def test_what_cannot_succeed_is_not_tried_again(store: Store, refusal: object, told: str, requests: int) -> None:
    with chat_server(lambda body: refusal) as server, pytest.raises(JudgeError, match=told):
        judge_of(server).judge(made_up_pairs(20), store)
    assert len(server.requests) == requests


def test_a_model_that_wants_max_completion_tokens_gets_them(store: Store) -> None:
    def answer(body: dict) -> object:
        if "max_tokens" in body:
            return error(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        return made_up(body)

    with chat_server(answer) as server:
        verdicts = judge_of(server).judge(made_up_pairs(20), store)
    assert all(v.preference is not None for v in verdicts)
    assert len(server.requests) == 21
    assert server.requests[-1].body["max_completion_tokens"] == 1


def test_after_the_first_few_unreadable_verdicts_the_run_stops_and_shows_one(store: Store) -> None:
    def answer(body: dict) -> dict:
        return {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "I like both."}}

    with chat_server(answer) as server, pytest.raises(JudgeError, match=r"I like both\."):
        judge_of(server).judge(made_up_pairs(100), store)
    assert len(server.requests) == 5


def test_a_pair_that_stays_unreadable_is_a_failure_and_the_next_run_asks_only_for_it(store: Store) -> None:
    sick = True

    def answer(body: dict) -> dict:
        bad = sick and "Question 7?" in body["messages"][-1]["content"]
        return {"index": 0, "message": {"content": "?"}} if bad else made_up(body)

    with chat_server(answer) as server:
        verdicts = judge_of(server).judge(made_up_pairs(20), store)
        failed = [v for v in verdicts if v.preference is None]
        assert [v.pair.example.index for v in failed] == [7]
        assert "unreadable" in failed[0].failure
        assert failed[0].raw == {"index": 0, "message": {"content": "?"}}
        sick = False
        before = len(server.requests)
        again = judge_of(server).judge(made_up_pairs(20), store)
    assert len(server.requests) - before == 1
    assert all(v.preference is not None for v in again)


def test_a_content_filter_costs_one_pair_not_the_run(store: Store) -> None:
    def answer(body: dict) -> object:
        filtered = "Question 0?" in body["messages"][-1]["content"]
        return error(400, "filtered", "content_filter") if filtered else made_up(body)

    with chat_server(answer) as server:
        verdicts = judge_of(server).judge(made_up_pairs(20), store)
    assert Counter(v.preference is None for v in verdicts) == {True: 1, False: 19}
    assert len(server.requests) == 20


def test_closing_the_generator_cancels_what_is_in_flight() -> None:
    with chat_server(made_up, latency=0.2) as server:
        judge = judge_of(server, "judge.concurrency=4")
        replies = iter(judge.ask(judge.questions(made_up_pairs(500))))
        next(replies)
        replies.close()
        time.sleep(0.2)  # what was sent before may still arrive
        seen = len(server.requests)
        time.sleep(0.5)
    assert len(server.requests) == seen < 20


def test_the_request_has_just_the_fields_of_its_judge(store: Store) -> None:
    with chat_server(made_up) as server:
        judge_of(server).judge(made_up_pairs(1), store)
        judge_of(server, option="gpt_4_1_mini").judge(made_up_pairs(1), store)
    first, second = (request.body for request in server.requests)
    messages = first.pop("messages")
    assert first == {
        "model": "gpt-4.1", "max_tokens": 1, "temperature": 1.0, "logprobs": True, "top_logprobs": 5, "stream": False,
    }  # fmt: skip
    assert second["model"] == "gpt-4.1-mini"
    assert [m["role"] for m in messages] == ["system", "user"]


def test_verdicts_are_undone_by_slot(store: Store) -> None:
    with chat_server(lambda body: choice_of(1.0)) as server:
        verdicts = judge_of(server, "judge.order=both").judge(made_up_pairs(10), store)
    assert win_rate(verdicts)[0] == pytest.approx(50)
    assert all(v.preference == (2.0 if v.model_first else 1.0) for v in verdicts)
