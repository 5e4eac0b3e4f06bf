"""The presets that follow GPT-4.1, against a server that refuses as public reports say that theirs do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alpacabench.decoding import Decoding
from alpacabench.model.api import AnthropicModel, OpenAIModel
from alpacabench.store.store import Store
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
