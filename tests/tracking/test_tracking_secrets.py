"""Passwords and keys around tracking: sent where they belong, and shown, logged and written nowhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alpacabench.cli import main as cli
from alpacabench.core.errors import DataError
from alpacabench.io import hub
from alpacabench.security import redact as redacting
from alpacabench.security.password import password_problem, passwords, without_login
from alpacabench.security.redact import HIDDEN, first_line, redact
from alpacabench.tracking import uri
from tests.helpers.command import run
from tests.helpers.fakes.http_server import HttpServer, Response
from tests.helpers.finished_runs import alpacabench

SMALL = ("model=echo", "judge=longest", "dataset=demo", "subset=head", "subset.n=4")
PASSWORD = "hunter2secret"


def every_file(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("env", "override"),
    [
        ({"MLFLOW_TRACKING_URI": f"http://bob:{PASSWORD}@localhost"}, ()),
        ({"DBPW": PASSWORD}, ("tracking.uri='http://bob:${oc.env:DBPW}@localhost/mlflow'",)),
    ],
)
def test_a_password_of_the_tracking_uri_is_neither_shown_nor_written(
    tmp_path: Path, env: dict[str, str], override: tuple[str, ...]
) -> None:
    done = run(tmp_path, *SMALL, *override, env=env)
    assert done.code == 0 and f"http://bob:{HIDDEN}@localhost" in done.text and "nonnumeric" not in done.text
    assert PASSWORD not in done.text
    assert list((tmp_path / "outputs" / "spool").iterdir())
    assert not [path for path in every_file(tmp_path) if PASSWORD.encode() in path.read_bytes()]


def test_a_server_behind_a_password_is_reached_with_it() -> None:
    with HttpServer(lambda _: Response("OK")) as server:
        address = server.url.removesuffix("/v1")
        assert uri.unreachable(address.replace("//", "//bob:p%40ss@")) is None
    (asked,) = server.requests
    assert (asked.path, asked.headers["authorization"]) == ("/health", "Basic Ym9iOnBAc3M=")
    assert without_login("http://bob@h:1/x?y=1") == ("http://h:1/x?y=1", {})


def test_doctor_and_sync_end_without_traceback_and_without_the_password(tmp_path: Path) -> None:
    env = {"MLFLOW_TRACKING_URI": f"http://bob:{PASSWORD}@localhost", "HF_HUB_OFFLINE": "1"}
    run(tmp_path, *SMALL, env=env)
    sent = alpacabench("sync", "--spool", tmp_path / "outputs" / "spool", **env)
    assert sent.returncode == 1 and "does not answer" in sent.stderr
    looked, listed = alpacabench("doctor", **env), alpacabench("doctor", "--json", **env)
    for found in (sent, looked, listed):
        assert PASSWORD not in found.stdout + found.stderr and "Traceback" not in found.stderr
    assert f"http://bob:{HIDDEN}@localhost" in listed.stdout


def test_the_hubs_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("nonnumeric port: 'hubpass99@localhost'")

    monkeypatch.setenv("HF_ENDPOINT", "https://u:hubpass99@localhost")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "https://u:hubpass99@localhost")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.utils.get_session", lambda: type("Session", (), {"head": fail})())
    assert hub.unreachable(0.1) == f"https://localhost does not answer (nonnumeric port: '{HIDDEN}@localhost')"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://127.0.0.1:1/db?user=u&password=hunter2secret",
        "postgresql://u@h/db?sslpassword=hunter2secret",
        "http://h/v1?TOKEN=hunter2secret#x",
        "http://h/v1?api_key=hunter2secret",
        "http://me:hunter2secret@h",
        "http://me:at@hunter2secret@h/v1",
        "http://${oc.env:USER}:hunter2secret@h",
    ],
)
def test_a_literal_password_in_a_url_is_refused_and_hidden_wherever_it_stands(url: str) -> None:
    assert [problem.where for problem in password_problem("tracking.uri", url)] == ["tracking.uri"]
    assert PASSWORD not in redact(f"at {url} nobody answers") and HIDDEN in redact(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://h/db?user=u&password=${oc.env:PW}", "http://${oc.env:ME}:${oc.env:PW}@h", "http://h/v1?max=1",
        "https://h:8000/v1", "is it ?token=abc or &pwd=abc",
    ],
)  # fmt: skip
def test_what_holds_no_literal_password_is_taken(url: str) -> None:
    assert password_problem("tracking.uri", url) == [] and redact(url) == url


def test_a_password_is_hidden_quoted_and_unquoted_once_its_url_is_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redacting, "_remembered", set())
    redacting.remember("https://bob:p%40ss%2Fword@host/x")
    assert redact("p%40ss%2Fword and p@ss/word") == f"{HIDDEN} and {HIDDEN}"
    monkeypatch.setenv("DATABASE", "postgresql://h/db?password=in-the-query")
    assert redact("it was in-the-query") == f"it was {HIDDEN}"
    assert passwords("postgresql://mlflow:mlflow@h") == set(), "a word of every second text"
    assert "pa/ss" in passwords("https://bob:pa/ss@host")


def test_a_secret_is_hidden_in_every_form_that_a_message_gives_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for secret in ("sk-ends-in-newline\n", "sk-ends-in-return\r", "sk-two\nlines", 'sk-"quoted"\\', "sk-ümlaut"):
        monkeypatch.setenv("SOME_API_KEY", secret)
        forms = (secret, secret.strip(), repr(secret), json.dumps(secret), json.dumps({"k": [secret]}))
        for form in forms:
            shown = redact(f"Illegal header value: {form}!")
            assert "sk-" not in shown and shown.startswith(f"Illegal header value: {form[: form.find('sk-')]}{HIDDEN}")
    monkeypatch.setenv("SOME_API_KEY", "sk-first\nsk-second")
    assert first_line(ValueError("it is sk-first\nsk-second, wrong")) == f"it is {HIDDEN}, wrong"


def test_the_commands_errors_are_redacted_also_the_unexpected(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "sk-never-shown")
    for error, code in ((DataError("given sk-never-shown"), 2), (RuntimeError("sk-never-shown\n"), 1)):

        def fail(_: object, error: Exception = error) -> int:
            raise error

        monkeypatch.setattr("alpacabench.tracking.sync.run", fail)
        assert cli.main(["sync"]) == code
        shown = capsys.readouterr()
        assert HIDDEN in shown.err and "sk-never-shown" not in shown.err + shown.out


def test_a_uri_that_cannot_be_read_is_refused_without_repeating_it() -> None:
    for given in ("https://bob:pa/sesame@host", "postgresql://bob:pa#sesame@host/db", "http://[half"):
        (problem,) = uri.check(given)
        assert problem.where == "tracking.uri" and "sesame" not in str(problem) and "half" not in str(problem)
    (problem,) = uri.check("nonsense://host")
    assert "unknown scheme 'nonsense'" in problem.what
