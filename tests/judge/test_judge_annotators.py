"""`judge=alpaca_eval`: every annotator config that alpaca_eval ships, with its own parser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alpacabench.core.errors import ConfigError
from alpacabench.core.records import Example, Pair
from alpacabench.judge.annotator import annotators, load_annotator
from alpacabench.store.store import Store
from tests.helpers.fakes.annotator_answers import preferring_first
from tests.helpers.fakes.http_server import HttpServer, Request, Response
from tests.helpers.judge_data import load_judge

USABLE = [name for name in annotators() if not name.startswith("alpaca_farm")]
PAIR = Pair(Example(0, "Q?", "The reference."), "Q?", "The reference.", "The answer.")


def server_of(name: str) -> HttpServer:
    """Answer in both wire formats."""
    choice = preferring_first(load_annotator(name))

    def handle(request: Request) -> Response:
        if request.path.endswith("/messages"):
            text = choice["message"]["content"]
            usage = {"input_tokens": 9, "output_tokens": 3}
            return Response({"content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "usage": usage})
        return Response({"choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 3}})

    return HttpServer(handle)


@pytest.mark.parametrize("name", USABLE)
def test_every_annotator_prefers_the_answer_that_its_parser_finds_better(name: str, tmp_path: Path) -> None:
    with server_of(name) as server, Store(f"sqlite:///{tmp_path}/store.db") as store:
        where = (f"judge.annotator={name}", f"judge.base_url={server.url}", "judge.order=both")
        judge = load_judge("alpaca_eval", *where)
        assert list(judge.problems()) == []
        verdicts = judge.judge([PAIR], store)
    assert {v.model_first: v.preference > 1.5 for v in verdicts} == {True: True, False: False}
    body = server.requests[0].body
    assert body["model"] == load_annotator(name).model
    assert judge.label == name


def test_tools_and_log_probabilities_reach_the_wire(tmp_path: Path) -> None:
    for name, fields in (
        ("alpaca_eval_gpt4_fn", {"tools", "tool_choice"}),
        ("gpt4_turbo_clf", {"logprobs", "top_logprobs"}),
    ):
        with server_of(name) as server, Store(f"sqlite:///{tmp_path}/{name}.db") as store:
            load_judge("alpaca_eval", f"judge.annotator={name}", f"judge.base_url={server.url}").judge([PAIR], store)
        assert fields <= set(server.requests[0].body)


def test_an_old_text_model_gets_a_text(tmp_path: Path) -> None:
    with server_of("text_davinci_003") as server, Store(f"sqlite:///{tmp_path}/store.db") as store:
        judge = load_judge("alpaca_eval", "judge.annotator=text_davinci_003", f"judge.base_url={server.url}")
        judge.judge([PAIR], store)
    assert server.requests[0].path.endswith("/v1/completions")
    assert isinstance(json.loads(server.requests[0].data)["prompt"], str)


def test_annotators_that_never_switch_show_the_reference_first() -> None:
    judge = load_judge("alpaca_eval", "judge.annotator=lmsys_gpt4", "judge.base_url=http://127.0.0.1:9/v1")
    pairs = [Pair(Example(i, f"Q{i}", "r"), f"Q{i}", "r", "a") for i in range(20)]
    assert {question.model_first for question in judge.questions(pairs)} == {False}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("alpaca_farm_greedy_gpt4", "5 pairs in one prompt"),
        ("alpaca_farm", "pool"),
        ("weighted_alpaca", "did you mean"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(name: str, told: str) -> None:
    (problem,) = load_judge("alpaca_eval", f"judge.annotator={name}").problems()
    assert problem.where == "judge.annotator"
    assert told in str(problem)


def test_a_backend_that_is_no_api_needs_a_server() -> None:
    (problem,) = load_judge("alpaca_eval", "judge.annotator=oasst_pythia_12b").problems()
    assert problem.where == "judge.base_url"


def test_the_annotator_is_a_mandatory_key() -> None:
    from omegaconf.errors import OmegaConfBaseException

    with pytest.raises((ConfigError, OmegaConfBaseException)):
        load_judge("alpaca_eval").problems()
