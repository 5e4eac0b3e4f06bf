"""`alpacabench doctor`: what it finds, against real servers on loopback, and what it never shows."""

from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from alpacabench.cli import doctor
from tests.helpers.finished_runs import alpacabench

SECRET = "sk-never-to-be-seen-0123456789"


@contextmanager
def server(statuses: dict[str, int]) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """Serve the paths with their statuses; gives the URL, and the paths and keys that were sent."""
    asked: list[tuple[str, str | None]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers.get("Authorization")))
            self.send_response(statuses.get(self.path, 404))
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}", asked
        running.shutdown()


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_everything_that_is_needed_is_found_installed_with_its_version() -> None:
    found = {finding.name: finding for finding in doctor.installed()}
    assert {name for name, finding in found.items() if finding.status == "problem"} == set()
    assert found["torch"].found[0].isdigit() and {"mlflow", "hydra-core", "Python"} <= set(found)


def test_what_is_missing_comes_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = [("surely-not-installed>=3", ""), ("nor-this", "vllm"), ("numpy>=99", ""), ("numpy<99; extra == 'x'", "y")]
    monkeypatch.setattr(doctor, "_requirements", lambda: wanted)
    missing, optional, old = list(doctor.installed())[1:]
    assert (missing.status, missing.remedy) == ("problem", "pip install 'surely-not-installed>=3'")
    assert (optional.status, optional.remedy) == ("note", "pip install 'alpacabench[vllm]'")
    assert old.status == "problem" and old.found.endswith("needed >=99")


def test_a_key_is_reported_as_set_and_its_value_is_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    findings = list(doctor.keys())
    assert findings[0].name == "OPENAI_API_KEY" and findings[0].found == "set"
    assert "ANTHROPIC_API_KEY" in findings[-1].found and SECRET not in str(findings)


@pytest.mark.parametrize(
    ("status", "found", "remedy"),
    [(200, "answers", ""), (401, "HTTP 401", "OPENAI_API_KEY"), (500, "HTTP 500", "start it")],
)
def test_a_judges_server_is_asked_for_its_models_with_the_key(
    monkeypatch: pytest.MonkeyPatch, status: int, found: str, remedy: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with server({"/v1/models": status}) as (url, asked):
        finding = next(doctor.judges(f"{url}/v1", 1.0))
    assert finding.status == ("ok" if status == 200 else "problem")
    assert finding.found.startswith(found) and remedy in finding.remedy
    assert asked == [("/v1/models", f"Bearer {SECRET}")]
    assert SECRET not in str(finding)


def test_a_password_in_a_url_is_sent_and_not_shown() -> None:
    with server({"/v1/models": 200}) as (url, asked):
        finding = next(doctor.judges(url.replace("//", "//me:hidden@") + "/v1", 1.0))
    assert finding.status == "ok" and "hidden" not in str(finding)
    assert asked == [("/v1/models", "Basic bWU6aGlkZGVu")]


def test_a_server_that_never_answers_costs_no_more_than_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        start = time.monotonic()
        finding = next(doctor.judges(f"http://127.0.0.1:{silent.getsockname()[1]}/v1", 0.3))
    assert time.monotonic() - start < 2
    assert finding.status == "problem" and "timed out" in finding.found


def test_the_hub_is_a_note_where_it_is_off_or_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in doctor.hub(1.0).found
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://me:hidden@127.0.0.1:{closed_port()}")
    away = doctor.hub(1.0)
    assert away.status == "note" and "dataset.path" in away.remedy and "hidden" not in str(away)
    with server({}) as (url, _):
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)
        assert doctor.hub(1.0) == doctor.Finding("servers", "Hub", "ok", f"{url} answers")


def test_the_hub_is_asked_through_the_proxy_that_its_client_uses() -> None:
    def asked_through(proxy: str) -> str:
        proxies = {"http_proxy": proxy, "no_proxy": ""}
        env = os.environ | {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": "http://hub.invalid"} | proxies
        code = "from alpacabench.io.hub import unreachable; print(unreachable(2.0))"
        return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout

    with server({}) as (url, _):
        assert asked_through(url) == "\n"
    assert asked_through(f"http://127.0.0.1:{closed_port()}").startswith("http://hub.invalid does not answer")


def test_an_mlflow_server_is_found_or_missed_with_what_to_do() -> None:
    with server({"/health": 200}) as (url, _):
        assert doctor.mlflow_server(url).status == "ok"
    away = doctor.mlflow_server(f"http://127.0.0.1:{closed_port()}")
    assert away.status == "problem" and "alpacabench sync" in away.remedy
    assert doctor.mlflow_server("./mlruns").status == "problem"


def test_a_database_that_cannot_be_opened_or_made_is_a_problem_and_nothing_is_made(tmp_path: Path) -> None:
    assert doctor.mlflow_server(f"sqlite:///{tmp_path}/new/place/m.db").status == "ok"
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "text.db").write_text("no database" * 100)
    for where in ("/proc/none/x.db", str(tmp_path / "text.db"), str(tmp_path / "text.db" / "x.db"), str(tmp_path)):
        found = doctor.mlflow_server(f"sqlite:///{where}")
        assert found.status == "problem" and "cannot be opened or made" in found.found, where


def test_the_command_prints_every_part_and_fails_only_where_something_is_wrong(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    fine = alpacabench("doctor", "--tracking-uri", uri, OPENAI_API_KEY="", HF_HUB_OFFLINE="1")
    assert fine.returncode == 0, fine.stdout
    assert all(part in fine.stdout for part in ("Installed", "Device", "Model", "Keys", "Servers", "CPU"))
    judge = f"http://127.0.0.1:{closed_port()}/v1"
    wrong = alpacabench("doctor", "--tracking-uri", uri, "--judge", judge, "--json", HF_HUB_OFFLINE="1")
    assert wrong.returncode == 1
    problems = [finding for finding in json.loads(wrong.stdout) if finding["status"] == "problem"]
    assert [(p["name"], p["remedy"]) for p in problems] == [
        (f"judge at {judge}", "start it, or check the URL and the network")
    ]
