"""Judges with a written verdict, rubrics and panels, over both wire formats."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alpacabench.core.errors import ConfigError
from alpacabench.core.records import Outcome, Prompt
from alpacabench.endpoint.wire import Completion
from alpacabench.judge.base import UnparsableVerdictError
from alpacabench.store.store import Store
from tests.helpers.fakes.http_server import HttpServer, Request, Response
from tests.helpers.fakes.openai_server import chat_server, choice_of
from tests.helpers.judge_data import load_judge, made_up_pairs

LOCAL = "http://127.0.0.1:9/v1"
NAMES = ("instruction_following", "correctness", "completeness", "clarity")
"""The criteria of judge=rubric."""


def said(text: str, reason: str = "stop") -> Completion:
    return Completion(text, {}, reason, 1, 1)


def choice(text: str) -> dict:
    return {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}


@pytest.mark.parametrize(
    ("text", "preference"),
    [
        ("m is short, M is wrong.\nVerdict: m", 1.0),
        ("**Verdict: M**", 2.0),
        ("Verdict: tie.", 1.5),
        ("At first I thought Verdict: m, but no.\n\nVerdict: model M", 2.0),
        ("Better.\nVerdict: m\n\nRemark: the second answer has the words 'Verdict: M', which I left out.", 1.0),
        ('Verdict: m\n\nThe second answer says:\n> Verdict: M\nand "Verdict: M" once more', 1.0),
        ("Verdict: m\nIts code block was:\n```\nVerdict: M\n```", 1.0),
        ("```\nVerdict: M\n```", 2.0),
        ("## Verdict\n\n**M**", 2.0),
        ("## Verdict\nVerdict: tie", 1.5),
        ("Final verdict: m", 1.0),
        ("Verdict: m\nOn reflection, no.\nVerdict: M", 2.0),
        ("<think>\nVerdict: M\n</think>\nVerdict: m", 1.0),
        ("Verdict: M, I think.\nVerdict: M\n</think>\n\nVerdict: m", 1.0),
        ("[THINK]Verdict: M[/THINK]Verdict: m", 1.0),
        ("<|begin_of_thought|>\nVerdict: M\n<|end_of_thought|>\nVerdict: m\n<|end_of_solution|>", 1.0),
        ("<|channel>thought\nVerdict: M\n<channel|>Verdict: m", 1.0),
        ("The first has a <think> tag in it.\nVerdict: m", 1.0),
        ("Verdict: m<|im_end|>", 1.0),
        ("Verdict: m</s>\n", 1.0),
        ("Verdict: m\n<|im_start|>user\nAnother pair.\nVerdict: M", 1.0),
        (r"Verdict: \boxed{\text{M}}", 2.0),
        ('**Verdict:** "M"', 2.0),
        ("Verdict\uff1a\u00a0\u201cM\u201d\u200b", 2.0),
        ("\u2705 Verdict: _M_", 2.0),
        ("<|channel|>analysis<|message|>Verdict: M<|end|><|start|>assistant<|channel|>final<|message|>Verdict: m", 1.0),
    ],
)
def test_the_last_written_verdict_counts(text: str, preference: float) -> None:
    judge = load_judge("gpt_4_1_cot", f"judge.base_url={LOCAL}")
    (question,) = judge.questions(made_up_pairs(1))
    assert judge.read(said(text), question) == {"preference": preference}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("## Verdict\n\nM is wordy; m is better.", "stop"),
        ("Verdict: M's answer is worse, so m wins", "stop"),
        ("Verdict: m or M", "stop"),
        ("Verdict: M\nVerdict: m\nI am not sure which.", "stop"),
        ("<think>\nVerdict: M\n", "stop"),
        ("Let me see.\n<think>\nVerdict: M\n", "stop"),
        ("<|begin_of_thought|>\nVerdict: M\nbut", "stop"),
        ("Verdict: m?", "stop"),
        ("Verdict: m/M", "stop"),
        ("Draft.\nVerdict: M\nBut on the other", "length"),
        ("", "stop"),
        ("\n" * 200_000 + "verdict " * 50_000, "stop"),
    ],
)
def test_what_is_not_said_as_a_verdict_is_none(text: str, reason: str) -> None:
    judge = load_judge("gpt_4_1_cot", f"judge.base_url={LOCAL}")
    (question,) = judge.questions(made_up_pairs(1))
    with pytest.raises(UnparsableVerdictError):
        judge.read(said(text, reason), question)


def test_a_verdict_that_was_cut_off_is_none_and_says_so() -> None:
    judge = load_judge("gpt_4_1_cot", f"judge.base_url={LOCAL}")
    (question,) = judge.questions(made_up_pairs(1))
    with pytest.raises(UnparsableVerdictError, match="cut at max_tokens"):
        judge.read(said("Both are fine. The verdict", "length"), question)


def test_the_written_judge_sends_temperature_0_and_4096_tokens(tmp_path: Path) -> None:
    with chat_server(lambda body: choice("Verdict: M")) as server, Store(f"sqlite:///{tmp_path}/s.db") as store:
        (verdict,) = load_judge("gpt_4_1_cot", f"judge.base_url={server.url}").judge(made_up_pairs(1), store)
    body = server.requests[0].body
    assert (body["temperature"], body["max_tokens"]) == (0.0, 4096)
    assert "logprobs" not in body
    assert verdict.preference == (1.0 if verdict.model_first else 2.0)


def test_claude_speaks_anthropics_wire_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key-of-claude")

    def handle(request: Request) -> Response:
        assert request.path == "/v1/messages"
        blocks = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Verdict: m"}]
        usage = {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 7}
        return Response({"content": blocks, "stop_reason": "end_turn", "usage": usage})

    with HttpServer(handle, key="key-of-claude") as server, Store(f"sqlite:///{tmp_path}/s.db") as store:
        (verdict,) = load_judge("claude", f"judge.base_url={server.url}").judge(made_up_pairs(1), store)
    body = server.requests[0].body
    assert isinstance(body["system"], str)
    assert [m["role"] for m in body["messages"]] == ["user"]
    assert "temperature" not in body
    assert verdict.preference == (2.0 if verdict.model_first else 1.0)
    assert (verdict.prompt_tokens, verdict.completion_tokens) == (15, 7)
    assert verdict.cost_usd == pytest.approx((10 * 2.0 + 5 * 0.1 + 7 * 10.0) / 1e6)


def test_a_panel_averages_its_judges_and_keeps_each_verdict(tmp_path: Path) -> None:
    def handle(request: Request) -> Response:
        if request.path.endswith("/messages"):
            usage = {"input_tokens": 1, "output_tokens": 1}
            return Response({"content": [{"type": "text", "text": "Verdict: tie"}], "usage": usage})
        body = request.body
        answer = choice_of(1.25) if body.get("logprobs") else choice("Verdict: tie")
        return Response({"choices": [answer], "usage": {"prompt_tokens": 1, "completion_tokens": 1}})

    with HttpServer(handle) as server, Store(f"sqlite:///{tmp_path}/s.db") as store:
        where = [f"judge.judges.{name}.base_url={server.url}" for name in ("gpt", "claude", "gemini")]
        panel = load_judge("panel", *where, "judge.order=both")
        assert list(panel.problems()) == []
        pairs = made_up_pairs(3)
        verdicts = panel.judge(pairs, store)
    assert len(verdicts) == 3 * 3 * 2
    assert {v.judge for v in verdicts} == {"gpt_4_1_mini", "claude", "gemini"}
    mine = tuple(v for v in verdicts if v.pair == pairs[0] and not v.model_first)
    outcome = Outcome(Prompt(pairs[0].example, "Q"), (), mine)
    assert outcome.preference == pytest.approx((1.25 + 1.5 + 1.5) / 3)
    assert len(panel.questions(pairs)) == 18
    assert panel.label == "panel(gpt_4_1_mini+claude+gemini)"


def test_a_panels_problems_name_the_member() -> None:
    problems = list(load_judge("panel", f"judge.judges.gpt.base_url={LOCAL}").problems())
    assert [p.where for p in problems] == ["judge.judges.claude.base_url", "judge.judges.gemini.base_url"]


def test_a_panel_says_its_members_cautions_once() -> None:
    members = [f"+judge@judge.judges.{name}=local" for name in ("one", "two")]
    panel, local = load_judge("panel", *members), load_judge("local")
    assert panel.caution == local.caution != ""
    assert load_judge("panel").caution == ""


def test_a_panel_asks_in_batches_where_a_member_does() -> None:
    assert load_judge("panel").batch_keys() == []
    assert load_judge("panel", "judge.judges.gpt.mode=batch").batch_keys() == ["judge.judges.gpt.mode"]


def test_recorded_verdicts_in_a_panel_are_checked_with_the_panels_order(tmp_path: Path) -> None:
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps([{"instruction": "x", "preference": 1}]))
    member = ["+judge@judge.judges.old=recorded", f"judge.judges.old.path={path}"]
    others = [f"judge.judges.{name}.base_url={LOCAL}" for name in ("gpt", "claude", "gemini")]
    assert list(load_judge("panel", *member, *others).problems()) == []
    (problem,) = load_judge("panel", *member, *others, "judge.order=both").problems()
    assert problem.where == "judge.judges.old" and "order=both" in problem.what


def test_a_rubric_keeps_the_scores_of_both_answers_by_criterion(tmp_path: Path) -> None:
    first, second = dict.fromkeys(NAMES, 6), dict.fromkeys(NAMES, 6) | {"correctness": 9}
    text = "Here you are:\n```json\n" + json.dumps({"first": first, "second": second}) + "\n```"
    with chat_server(lambda body: choice(text)) as server, Store(f"sqlite:///{tmp_path}/s.db") as store:
        judge = load_judge("rubric", f"judge.base_url={server.url}", "judge.order=both")
        verdicts = judge.judge(made_up_pairs(4), store)
    prompt = server.requests[0].body["messages"][-1]["content"]
    assert all(f"- {name}: " in prompt for name in NAMES)
    for verdict in verdicts:
        model, reference = (6, 9) if verdict.model_first else (9, 6)
        assert verdict.criteria["correctness"] == model
        assert verdict.criteria["correctness/reference"] == reference
        assert verdict.preference == (1.0 if verdict.model_first else 2.0)


def grades(first: object, second: object) -> str:
    return json.dumps({"first": dict.fromkeys(NAMES, first), "second": dict.fromkeys(NAMES, second)})


@pytest.mark.parametrize(
    ("text", "preference"),
    [
        (f"<think>\nDraft: {grades(9, 2)} but no.</think>\n{grades(3, 8)}", 2.0),
        (f"Draft: {grades(9, 2)}\nFinal:\n```json\n{grades(3, 8)}\n```\n", 2.0),
        (f"In braces {{like these}}: {grades(3, 8)} (and {{these}})", 2.0),
        (f'{{"grades": {grades(8, 3)}}}', 1.0),
        (grades("7", 7.0), 1.5),
    ],
)
def test_the_last_whole_object_of_scores_counts(text: str, preference: float) -> None:
    judge = load_judge("rubric", f"judge.base_url={LOCAL}")
    (question,) = judge.questions(made_up_pairs(1))
    assert judge.read(said(text), question)["preference"] == preference


@pytest.mark.parametrize(
    "text",
    [
        "no scores", '{"first": {}}', '{"first": {"correctness": 11}, "second": {}}', "{" * 100_000,
        f"{grades(9, 2)} or {grades(2, 9)}, I cannot say", grades(True, 2), grades(float("nan"), 2), grades(10**400, 2),
        grades(None, 2), grades({"score": 7}, 2), grades([7], 2), '{"first": 3, "second": [1]}', '{"a":' * 100_000,
        grades(9, 2)[:-1] + ', "first": ' + json.dumps(dict.fromkeys(NAMES, 1)) + "}", f"<think>{grades(9, 2)}",
    ],
)  # fmt: skip
def test_a_rubric_without_scores_is_no_verdict(text: str) -> None:
    judge = load_judge("rubric", f"judge.base_url={LOCAL}")
    (question,) = judge.questions(made_up_pairs(1))
    with pytest.raises(UnparsableVerdictError):
        judge.read(said(text), question)


def test_a_rubrics_weights_must_name_its_criteria() -> None:
    with pytest.raises(ConfigError, match="are no criteria"):
        load_judge("rubric", "+judge.weights.charm=2")


@pytest.mark.parametrize("weights", [["correctness=-1"], [f"{name}=0" for name in NAMES], ["clarity=inf"]])
def test_a_rubrics_weights_are_numbers_from_0_and_one_is_above(weights: list[str]) -> None:
    with pytest.raises(ConfigError, match="numbers from 0 are needed, and one above 0"):
        load_judge("rubric", *(f"+judge.weights.{weight}" for weight in weights))


def test_another_model_shows_in_the_label() -> None:
    assert load_judge("gpt_4_1", "judge.model_name=gpt-9").label == "gpt_4_1:gpt-9"
    assert load_judge("gpt_4_1").label == "gpt_4_1"
