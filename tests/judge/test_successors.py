"""The presets that follow GPT-4.1, against a server that refuses as public reports say that theirs do."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from alpacabench.decoding import Decoding
from alpacabench.endpoint.dialect import Dialect
from alpacabench.endpoint.wire import RefusedError
from alpacabench.model.api import AnthropicModel, OpenAIModel
from alpacabench.store.store import Store
from tests.helpers.command import run, succeed
from tests.helpers.fakes.http_server import error
from tests.helpers.fakes.openai_server import chat_server, choice_of, made_up
from tests.helpers.judge_data import load_judge, made_up_pairs


def refusing(body: dict[str, Any]) -> Any:
    """Refuse what GPT-5.4 refuses: the old name of the limit, and log probabilities while it reasons, above five."""
    if "max_tokens" in body:
        return error(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
    if body.get("logprobs") and body.get("reasoning_effort") != "none":
        return error(400, "logprobs are not supported with reasoning")
    return error(400, "top_logprobs is at most 5") if body.get("top_logprobs", 0) > 5 else made_up(body)


def test_gpt_5_4_sends_what_its_server_needs_and_reads_its_log_probabilities(tmp_path: Path) -> None:
    pairs = made_up_pairs(8)
    with chat_server(refusing) as server, Store(f"sqlite:///{tmp_path}/store.db") as store:
        judge = load_judge("gpt_5_4", f"judge.base_url={server.url}")
        assert list(judge.problems()) == [] and judge.label == "gpt_5_4"
        verdicts = judge.judge(pairs, store)
    body = server.requests[-1].body
    assert (body["model"], body["reasoning_effort"], body["max_completion_tokens"]) == ("gpt-5.4", "none", 1)
    assert all(v.preference not in (None, 1.0, 1.5, 2.0) for v in verdicts)
    assert sum("max_tokens" in r.body for r in server.requests) == 1, "the limit's name is learned from one refusal"


@pytest.mark.parametrize("option", ["gpt_6_luna", "open_weights"])
def test_written_presets_send_no_effort_unless_it_is_set(option: str, tmp_path: Path) -> None:
    def say(body: dict[str, Any]) -> dict[str, Any]:
        return choice_of(2.0) | {
            "message": {"role": "assistant", "content": "So.\n\nVerdict: M"},
            "finish_reason": "stop",
        }

    with chat_server(say) as server, Store(f"sqlite:///{tmp_path}/store.db") as store:
        where = (f"judge.base_url={server.url}", "judge.model_name=some-model")
        plain = load_judge(option, *where)
        assert plain.judge(made_up_pairs(2), store)[0].preference in (1.0, 2.0)
        assert "reasoning_effort" not in server.requests[-1].body
        assert plain.label == f"{option}:some-model"
        low = load_judge(option, *where, "judge.reasoning_effort=low")
        low.judge(made_up_pairs(2), store)
        assert server.requests[-1].body["reasoning_effort"] == "low"
        assert len(server.requests) == 4, "another effort is another judge"


def test_claude_haiku_is_written_and_takes_no_effort() -> None:
    judge = load_judge("claude_haiku", "+judge.reasoning_effort=low", "judge.base_url=http://127.0.0.1:9")
    (problem,) = judge.problems()
    assert problem.where == "judge.reasoning_effort"
    assert load_judge("claude_haiku").label == "claude_haiku"
    (problem,) = AnthropicModel(path="m", base_url="http://127.0.0.1:9", reasoning_effort="low").problems()
    assert problem.where == "model.reasoning_effort"


def test_a_models_effort_is_in_its_request_and_its_key_only_where_it_is_given() -> None:
    plain, low = OpenAIModel(path="m"), OpenAIModel(path="m", reasoning_effort="low")
    assert "reasoning_effort" not in plain.identity() | plain.parameters(Decoding(), 0)
    assert low.identity()["reasoning_effort"] == low.parameters(Decoding(), 0)["reasoning_effort"] == "low"


def write_pairs(folder: Path, n: int = 6) -> tuple[str, ...]:
    rows = [{"instruction": f"Question {i}?", "output": f"Reference {i}.", "generator": "r"} for i in range(n)]
    answers = [{"instruction": f"Question {i}?", "output": f"Answer {i}.", "generator": "m"} for i in range(n)]
    (folder / "data.json").write_text(json.dumps(rows))
    (folder / "answers.json").write_text(json.dumps(answers))
    return ("dataset=jsonl", "dataset.path=data.json", "tracking=none", "judge=gpt_5_4")


def test_a_server_is_asked_once_what_it_can_do_before_anything_else_and_the_store_keeps_it(tmp_path: Path) -> None:
    words = write_pairs(tmp_path)
    recorded = ("model=recorded", "model.path=answers.json")
    with chat_server(refusing) as server:
        where = f"judge.base_url={server.url}"
        planned = run(tmp_path, *words, *recorded, where, "plan=true")
        assert re.search(r"verdicts.*\b7\b", planned.stdout) and not server.requests, planned.text
        found = succeed(tmp_path, *words, *recorded, where)
        first = "".join(m["content"] for m in server.requests[0].body["messages"])
        assert len(re.findall(r"Reference \d", first)) == 2 and not re.search(r"Answer \d", first)
        assert found["n_judged"] == 7 and found["n_total"] == 6, "paid, and in no score"
        assert sum("max_tokens" in r.body for r in server.requests) == 1
        asked = len(server.requests)
        again = run(tmp_path, *words, *recorded, where, "judge.seed=1", "judge.order=both", "hydra.run.dir=again")
        assert again.code == 0, again.text
        assert not any("max_tokens" in r.body for r in server.requests[asked:]), "what was learned is kept"
        assert all(re.search(r"Answer \d", str(r.body)) for r in server.requests[asked:]), "asked once"
    with chat_server(refusing) as other:
        done = run(tmp_path, *words, *recorded, f"judge.base_url={other.url}", "judge.repeats=2", "hydra.run.dir=other")
        assert done.code == 0 and not re.search(r"Answer \d", str(other.requests[0].body)), "another server is asked"


def test_a_judge_that_is_not_there_or_gives_no_log_probabilities_is_told_before_the_generation(tmp_path: Path) -> None:
    words = write_pairs(tmp_path)
    with chat_server(lambda body: choice_of(1.0)) as writer:
        model = ("model=openai_compatible", "model.path=m", f"model.base_url={writer.url}")
        with chat_server(lambda body: error(400, "logprobs are not supported with reasoning models")) as server:
            done = run(tmp_path, *words, *model, f"judge.base_url={server.url}", "judge.reasoning_effort=low")
            assert done.code == 1 and "judge.reasoning_effort=none" in done.text, done.text
        assert not writer.requests, "nothing was generated"
        with chat_server(lambda body: error(404, "no such model")) as server:
            done = run(tmp_path, *words, *model, f"judge.base_url={server.url}")
        assert done.code == 1 and not writer.requests, done.text


def test_a_prompt_that_a_server_refuses_by_itself_is_no_fault_of_the_server(tmp_path: Path) -> None:
    words, refused = write_pairs(tmp_path), list[str]()

    def answer(body: dict[str, Any]) -> Any:
        text = str(body["messages"])
        if not re.search(r"Answer \d", text) and not refused:
            refused.append(text)
        if text in refused:
            return error(400, "content filter", "content_filter")
        return refusing(body)

    with chat_server(answer) as server:
        done = run(tmp_path, *words, "model=recorded", "model.path=answers.json", f"judge.base_url={server.url}")
    assert done.code == 0, done.text


def test_what_a_server_was_seen_to_take_is_tried_anew_where_it_changed() -> None:
    body = {"model": "m", "max_tokens": 1, "logprobs": True, "messages": []}
    first = Dialect()
    assert first.learn(RefusedError(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."))
    known = first.answered(body)
    assert known == {"limit": "max_completion_tokens", "system": True, "logprobs": True}
    later = Dialect(known)
    assert "max_completion_tokens" in later.apply(body) and later.answered(body) is None
    assert later.learn(RefusedError(400, "max_completion_tokens is not supported")) and "max_tokens" in later.apply(
        body
    )
    assert not later.learn(RefusedError(400, "max_tokens is not supported")), "each name is tried once"
    assert Dialect({"limit": "else", "system": "?"}).apply(body) == body, "a damaged row is no knowledge"
