"""A key goes to the server that it is for, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alpacabench.core.errors import GenerationError, JudgeError
from alpacabench.core.hosts import PROVIDERS, api_key, key_headers
from alpacabench.store.store import Store
from tests.helpers.endpoint_data import generated, judge_at
from tests.helpers.fakes.http_server import HttpServer, Response, error
from tests.helpers.judge_data import made_up_pairs


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path}/store.db") as store:
        yield store


def test_a_redirect_is_not_followed_and_the_key_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key-of-claude")
    with HttpServer(lambda _: Response({})) as other:
        away = Response("", 307, {"location": other.url + "/messages?token=hidden"})
        with HttpServer(lambda _: away) as server, pytest.raises(JudgeError, match="a redirect to") as caught:
            judge_at(server.url, "claude").judge(made_up_pairs(2), store)
    assert other.requests == []
    assert "hidden" not in str(caught.value)


OTHERS = ("OPENAI_ADMIN_KEY", "ANTHROPIC_AUTH_TOKEN", "HF_TOKEN", "MLFLOW_TRACKING_TOKEN", "AWS_SECRET_ACCESS_KEY")
KEYS = {variable: f"key-of-{variable.lower()}" for provider in PROVIDERS for variable in provider.variables}
KEYS |= {variable: f"key-of-{variable.lower()}" for variable in OTHERS}


@pytest.mark.parametrize(
    ("group", "option", "variable"),
    [
        ("model", "openai", "OPENAI_API_KEY"), ("model", "openai_compatible", "OPENAI_API_KEY"),
        ("model", "gemini", "GEMINI_API_KEY"), ("model", "mistral_api", "MISTRAL_API_KEY"),
        ("model", "anthropic", "ANTHROPIC_API_KEY"), ("judge", "gpt_4_1", "OPENAI_API_KEY"),
        ("judge", "gemini", "GEMINI_API_KEY"), ("judge", "claude", "ANTHROPIC_API_KEY"), 
        ("judge", "rubric", "OPENAI_API_KEY"), ("judge", "gpt_5_4", "OPENAI_API_KEY"),
        ("judge", "gpt_6_luna", "OPENAI_API_KEY"), ("judge", "claude_haiku", "ANTHROPIC_API_KEY"),
        ("judge", "open_weights", "OPENAI_API_KEY"),
    ],
)  # fmt: skip
def test_a_gateway_gets_the_key_of_its_own_provider_and_no_other(
    group: str, option: str, variable: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    with HttpServer(lambda _: error(401, "no")) as server, pytest.raises((GenerationError, JudgeError), match=variable):
        if group == "model":
            generated(server.url, store, option)
        else:
            judge_at(server.url, option).judge(made_up_pairs(2), store)
    (request,) = server.requests
    everything = " ".join([request.path, request.data.decode(), *request.headers.values()])
    sent = {name for name, key in KEYS.items() if key in everything}
    assert sent == {variable}


def test_a_providers_own_host_gets_its_own_key_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    for provider in PROVIDERS:
        url = f"https://x{provider.host}/v1" if provider.host[0] == "." else f"https://{provider.host}/v1"
        assert api_key(url, "OPENAI_API_KEY") == KEYS[provider.variables[0]]
        for name in provider.variables:
            monkeypatch.delenv(name)
        assert api_key(url, "OPENAI_API_KEY") == "none"
        for name in provider.variables:
            monkeypatch.setenv(name, KEYS[name])
    azure = "https://mine.openai.azure.com/openai/deployments/x?api-version=1"
    assert key_headers(azure, "OPENAI_API_KEY") == {"api-key": KEYS["AZURE_OPENAI_API_KEY"]}
    assert key_headers("https://api.openai.com/v1", "OPENAI_API_KEY") == {}


OWN_HEADERS = {
    "OPENAI_ORG_ID": "our-org",
    "OPENAI_PROJECT_ID": "our-project",
    "OPENAI_CUSTOM_HEADERS": "X-Gate: our-gate",
}


@pytest.mark.parametrize(("option", "kept"), [("gemini", False), ("gpt_4_1", True)])
def test_headers_of_the_environment_go_to_their_own_provider_only(
    option: str, kept: bool, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in OWN_HEADERS.items():
        monkeypatch.setenv(name, value)
    with HttpServer(lambda _: error(401, "no")) as server, pytest.raises(JudgeError):
        judge_at(server.url, option).judge(made_up_pairs(2), store)
    sent = " ".join(server.requests[0].headers.values())
    assert [word in sent for word in ("our-org", "our-project", "our-gate")] == [kept] * 3
