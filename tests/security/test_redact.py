"""Redaction: whatever form a secret is in, whatever its variable is called, none of it is shown; other text is."""

from __future__ import annotations

import base64
import html
import json
import os
import re
from collections.abc import Callable
from unittest.mock import patch
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alpacabench.security import redact as redacting
from alpacabench.security.names import holds_secret
from alpacabench.security.password import password_problem, put_in
from alpacabench.security.redact import HIDDEN, redact, redact_answers, redact_tree

KEY = "sk-Canary/AAAA+1111==bbbb2222&cccc"

FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "repr": repr,
    "bytes": lambda key: repr(key.encode()),
    "json": json.dumps,
    "json in json": lambda key: json.dumps(json.dumps({"key": key})),
    "json with slashes": lambda key: json.dumps(key).replace("/", r"\/"),
    "url": lambda key: quote(key, safe=""),
    "url, path": quote,
    "form": quote_plus,
    "url, small": lambda key: re.sub("%..", lambda found: found[0].lower(), quote(key, safe="")),
    "html": html.escape,
    "entities": lambda key: "".join(f"&#{ord(character)};" for character in key),
    "escapes": lambda key: "".join(f"\\u{ord(character):04x}" for character in key),
    "hex": lambda key: key.encode().hex(),
    "capitals": str.upper,
    "cut": lambda key: key[:-4] + "****",
    "cut before": lambda key: "..." + key[4:],
    "basic": lambda key: base64.b64encode(f"user:{key}".encode()).decode(),
    "url-safe": lambda key: base64.urlsafe_b64encode(f"x{key}y".encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_hidden_in_each_form(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", KEY)
    written = FORMS[form](KEY)
    shown = redact(f"the server said: {written}.")
    assert shown.startswith("the server said: ") and HIDDEN in shown
    assert KEY not in shown and written not in shown
    lines = [written[at : at + 14].lower() for at in range(len(written) - 14)]
    assert not [part for part in lines if part in shown.lower() and part not in HIDDEN], shown


secret_texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=12, max_size=40).filter(
    lambda text: len(set(text)) > 5 and text == text.strip() and min(map(len, text.splitlines() or [""])) >= 8
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(
    secret=secret_texts, before=st.text(max_size=20), after=st.text(max_size=20), form=st.sampled_from(list(FORMS)[:8])
)
def test_no_text_around_a_secret_keeps_it(secret: str, before: str, after: str, form: str) -> None:
    with patch.dict(os.environ, {"SERVICE_TOKEN": secret}):
        shown = redact(before + FORMS[form](secret) + after)
        tree = redact_tree({"a": [before + secret, {secret: after}]})
    assert secret not in shown and secret not in str(tree)
    assert shown != before + secret + after


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=200).filter(lambda text: "://" not in text))
def test_a_text_without_a_secret_stays_as_it_is(text: str) -> None:
    with patch.dict(os.environ, {"SERVICE_TOKEN": KEY}):
        assert redact(text) == text and redact_tree({"a": [text]}) == {"a": [text]}


def test_each_line_of_a_secret_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIVATE_KEY", "-----BEGIN-----\ncanary-AAAA1111\ncanary-BBBB2222\n")
    assert "canary" not in redact("it has canary-AAAA1111, and canary-BBBB2222")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_API_KEY", "x"), ("OPENAI_API_KEY_PROD", "x"), ("OPENAI_API_KEY_2", "x"), ("GITHUBTOKEN", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"), ("DB_PASSWORD_STAGING", "x"), ("LLM_AUTH", "x"), ("MY_JWT", "x"),
        ("CREDS", "x"), ("session_cookie", "x"), ("ANYTHING", "sk-proj-abcdefghijklmnop"),
        ("X", "hf_abcdefghijklmnopqrstuvwx"), ("Y", "ghp_" + "a1" * 18), ("Z", "AKIAABCDEFGHIJKLMNOP"),
    ],
)  # fmt: skip
def test_a_secret_is_known_by_its_variable_or_by_its_shape(name: str, value: str) -> None:
    assert holds_secret(name, value)


@pytest.mark.parametrize(
    "name", ["PWD", "OLDPWD", "TOKENIZERS_PARALLELISM", "SSH_AUTH_SOCK", "AWS_ACCESS_KEY_ID", "API_KEY_FILE", "PATH"]
)
def test_what_is_no_secret_is_shown(name: str) -> None:
    assert not holds_secret(name, "/some/value")


@pytest.mark.parametrize(
    "name",
    [
        "key", "api-key", "api_key", "apikey", "sig", "code", "client_secret", "secret", "subscription-key",
        "signature", "X-Amz-Signature", "accessToken", "token", "password", "sslpassword", "auth", "jwt", "sas",
        "pass",
    ],
)  # fmt: skip
def test_a_literal_secret_in_a_query_is_refused_and_hidden(name: str) -> None:
    url = f"http://h/v1?api-version=2024-06-01&{name}=canary-literal-1"
    assert password_problem("judge.base_url", url) and "canary" not in str(password_problem("judge.base_url", url)[0])
    assert "canary" not in redact(f"at {url}") and "api-version=2024-06-01" in redact(url)
    assert not password_problem("judge.base_url", url.replace("canary-literal-1", "${oc.env:ANY}"))


def test_a_query_without_a_secret_is_taken() -> None:
    for query in ("api-version=2024-06-01", "sslkey=/home/me/client.key", "max_tokens=5", "deployment=gpt"):
        assert not password_problem("judge.base_url", f"https://h/v1?{query}")


def test_what_a_variable_puts_into_a_url_is_hidden_whatever_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redacting, "_remembered", set())
    found = put_in("http://h/v1?v=1&x=${oc.env:LLM}", "http://h/v1?v=1&x=canary%2FQQQQ")
    assert found == {"canary%2FQQQQ", "canary/QQQQ"}
    redacting.remember_values(found)
    assert redact("it is canary/QQQQ") == f"it is {HIDDEN}"
    assert put_in("http://${oc.env:HOST}/v1?v=1", "http://example/v1?v=1") == set()


def test_an_answer_may_speak_of_a_word_that_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "postgres")
    monkeypatch.setenv("SOME_API_KEY", KEY)
    assert redact_answers(f"postgres at http://a:b@h, {KEY}") == f"postgres at http://a:b@h, {HIDDEN}"
    assert redact("postgres") == HIDDEN


def test_values_nested_too_deeply_are_left_out() -> None:
    value: object = "end"
    for _ in range(5000):
        value = [value]
    assert "nested too deeply" in str(redact_tree(value))
