"""Models behind an API: each wire format, and every decoding field on the wire or refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alpacabench.core.component import build, require
from alpacabench.core.errors import Problem
from alpacabench.core.records import Example, Prompt
from alpacabench.decoding import Decoding
from alpacabench.model.base import Model
from alpacabench.sharding import Sharding
from alpacabench.store.store import Store
from tests.helpers.fakes.http_server import HttpServer, Request, Response

PROMPTS = [Prompt(Example(i, f"Q{i}", "r"), f"Q{i}") for i in range(3)]
SAMPLING = Decoding(temperature=0.7, top_p=0.9, max_new_tokens=33, seed=5, stop=("END",))


def load_model(option: str, *overrides: str) -> Model:
    from hydra import compose
    from omegaconf import OmegaConf

    from alpacabench.cli.hydra_options import composing

    with composing():
        config = compose(overrides=[f"+model={option}", *overrides])
    problems: list[Problem] = []
    model = build("model", OmegaConf.to_container(config.model, resolve=True), problems, option)  # type: ignore[arg-type]
    require(problems)
    assert isinstance(model, Model)
    return model


def answering(request: Request) -> Response:
    if request.path.endswith("/messages"):
        usage = {"input_tokens": 4, "output_tokens": 2}
        return Response({"content": [{"type": "text", "text": "A"}], "stop_reason": "max_tokens", "usage": usage})
    choice = {"message": {"role": "assistant", "content": "<think>hm</think>A"}, "finish_reason": "length"}
    return Response({"choices": [choice], "usage": {"prompt_tokens": 4, "completion_tokens": 2}})


def bodies(option: str, decoding: Decoding, tmp_path: Path, *overrides: str) -> list[dict[str, Any]]:
    with HttpServer(answering) as server, Store(f"sqlite:///{tmp_path}/store.db") as store:
        model = load_model(option, f"model.base_url={server.url}", "model.path=some-model", *overrides)
        assert list(model.check_with(decoding, Sharding())) == []
        answers = model.generate(PROMPTS, decoding, Sharding(), store)
    assert [a.text for a in answers] == ["A"] * 3 * decoding.n
    assert {(a.finish_reason, a.prompt_tokens, a.completion_tokens) for a in answers} == {("length", 4, 2)}
    sent = [request.body for request in server.requests]
    assert [body.pop("stream") for body in sent] == [False] * len(sent)
    return sent


@pytest.mark.parametrize(
    ("option", "names"),
    [
        ("openai", {"seed": 5, "stop": ["END"]}),
        ("gemini", {"seed": 5, "stop": ["END"]}),
        ("openai_compatible", {"seed": 5, "stop": ["END"]}),
        ("mistral_api", {"random_seed": 5, "stop": ["END"]}),
    ],
)
def test_every_decoding_field_reaches_the_openai_wire(option: str, names: dict[str, Any], tmp_path: Path) -> None:
    body = bodies(option, SAMPLING, tmp_path, "model.system_prompt=Be brief.")[0]
    assert [m["role"] for m in body.pop("messages")] == ["system", "user"]
    assert body == {"model": "some-model", "max_tokens": 33, "temperature": 0.7, "top_p": 0.9, **names}


def test_a_server_of_ones_own_also_gets_top_k_and_the_repetition_penalty(tmp_path: Path) -> None:
    decoding = Decoding(temperature=0.5, top_k=40, repetition_penalty=1.2)
    body = bodies("openai_compatible", decoding, tmp_path)[0]
    assert (body["top_k"], body["repetition_penalty"]) == (40, 1.2)


def test_anthropic_gets_its_own_names(tmp_path: Path) -> None:
    decoding = Decoding(temperature=0.7, top_p=0.9, top_k=3, max_new_tokens=33, stop=("END",))
    body = bodies("anthropic", decoding, tmp_path, "model.system_prompt=Be brief.")[0]
    assert body.pop("messages") == [{"role": "user", "content": "Q0"}]
    assert body == {
        "model": "some-model", "system": "Be brief.", "max_tokens": 33, "temperature": 0.7, "top_p": 0.9, "top_k": 3,
        "stop_sequences": ["END"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("option", "seed"),
    [
        ("openai", {"seed": 5}),
        ("mistral_api", {"random_seed": 5}),
        ("openai_compatible", {"seed": 5}),
        ("anthropic", {}),
    ],
)
def test_without_a_temperature_none_is_sent(option: str, seed: dict[str, int], tmp_path: Path) -> None:
    body = bodies(option, Decoding(temperature=None, seed=5 if seed else 0), tmp_path)[0]
    assert {k: v for k, v in body.items() if k not in ("messages", "model", "max_tokens")} == seed
    assert Decoding(temperature=None, top_p=0.9).key() != Decoding(temperature=None).key() != Decoding().key()


@pytest.mark.parametrize("option", ["hf", "echo", "recorded", "vllm"])
def test_a_model_without_a_temperature_of_its_own_refuses_null_by_name(option: str) -> None:
    path = ["model.path=m"] if option != "echo" else []
    problems = load_model(option, *path).check_with(Decoding(temperature=None), Sharding())
    (problem,) = [problem for problem in problems if problem.where.startswith("decoding")]
    assert problem.where == "decoding.temperature" and "given null" in problem.what


def test_samples_of_one_prompt_have_seeds_of_their_own(tmp_path: Path) -> None:
    sent = bodies("openai", Decoding(temperature=1.0, n=2, seed=7), tmp_path)
    seeds = {body["seed"] for body in sent}
    assert len(sent) == 6
    assert 7 in seeds
    assert len(seeds) == 2


@pytest.mark.parametrize(
    ("option", "field", "value"),
    [
        ("openai", "top_k", 5), ("openai", "num_beams", 2), ("openai", "repetition_penalty", 1.1),
        ("anthropic", "seed", 3), ("mistral_api", "top_k", 5), ("gemini", "num_beams", 4),
        ("openai_compatible", "num_beams", 2),
    ],
)  # fmt: skip
def test_a_decoding_field_that_the_api_lacks_is_refused_by_name(option: str, field: str, value: object) -> None:
    model = load_model(option, "model.path=m", "model.base_url=http://127.0.0.1:9/v1")
    (problem,) = model.check_with(Decoding(**{field: value}), Sharding())
    assert problem.where == f"decoding.{field}"


def test_a_reasoning_trace_is_kept_apart(tmp_path: Path) -> None:
    with HttpServer(answering) as server, Store(f"sqlite:///{tmp_path}/store.db") as store:
        model = load_model("openai_compatible", f"model.base_url={server.url}", "model.path=m")
        answer = model.generate(PROMPTS, Decoding(), Sharding(), store)[0]
    assert (answer.text, answer.reasoning) == ("A", "hm")


@pytest.mark.parametrize(
    ("option", "variable"),
    [
        ("openai", "OPENAI_API_KEY"), ("anthropic", "ANTHROPIC_API_KEY"), ("gemini", "GEMINI_API_KEY"),
        ("mistral_api", "MISTRAL_API_KEY"),
    ],
)  # fmt: skip
def test_each_providers_key_is_named_before_anything_is_sent(
    option: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    (problem,) = load_model(option).problems()
    assert variable in str(problem)
    monkeypatch.setenv(variable, "x")
    assert list(load_model(option).problems()) == []
