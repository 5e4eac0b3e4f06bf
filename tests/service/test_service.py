"""The service as its clients meet it: a real server, its queue and workers, over HTTP on loopback."""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psutil
import pytest

from alpacabench.cli.main import main
from alpacabench.service import limits
from tests.helpers.command import run
from tests.helpers.service import ANN, TOKEN, Server, rates, raw, serving

RUN = ("model=echo", "judge=longest", "subset=head", "subset.n=5")
SLOW = ("model=smollm2_135m", "judge=longest", "subset=random", "subset.n=96", "decoding.max_new_tokens=512")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("service")
    (data / "rows.jsonl").write_text('{"instruction": "Say a.", "output": "a"}\n')
    (data / "out").symlink_to("/etc")
    with serving(data, "--workers", "2", "--allow", "model=echo,recorded,smollm2_135m", "--budget", "ann=1.5") as made:
        yield made


def test_a_run_gives_what_the_command_line_gives(server: Server, tmp_path: Path) -> None:
    id_ = server.submit(*RUN)
    sweep = server.submit(*RUN, "perturbation=none,casing", multirun=True)
    found = server.ended(id_)
    assert (found["status"], found["exit_code"], found["error"]) == ("finished", 0, None)
    assert run(tmp_path, *RUN, "tracking=none", f"hydra.run.dir={tmp_path}/run").code == 0
    assert rates(server.data / "outputs" / "runs" / id_) == rates(tmp_path / "run")
    assert found["metrics"]["win_rate"] == rates(tmp_path / "run")["win_rate"]
    page = server.ask("GET", f"/runs/{id_}/files/report.html")
    assert page.status_code == 200 and "sandbox" in page.headers["content-security-policy"]
    assert server.ask("GET", f"/runs/{id_}/files/..%2Fstore.db").status_code == 404
    found = server.ended(sweep)
    assert found["status"] == "finished" and "sweep.html" in found["files"]
    assert [one["id"] for one in server.ask("GET", "/runs").json()[:2]] == [sweep, id_]


def test_events_tell_status_and_log_and_end(server: Server) -> None:
    id_ = server.submit(*RUN)
    text = server.ask("GET", f"/runs/{id_}/events").text
    events = [line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: ")]
    assert events[0] == "status" and events[-1] == "end" and "log" in events
    assert "data: echo: win rate" in text
    last = json.loads(text.rsplit("data: ", 1)[1])
    assert last["status"] == "finished" and last["metrics"]["n_total"] == 5


@pytest.mark.parametrize("token", ["x", "wrong", "0123456789abcdef-the-default-on"])
def test_without_the_token_nothing_is_told(server: Server, token: str) -> None:
    for method, path in (("GET", "/runs"), ("POST", "/runs"), ("POST", "/plan"), ("GET", "/runs/0/events")):
        answer = server.ask(method, path, token, json={} if method == "POST" else None)
        assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
    assert httpx2.get(server.url + "/openapi.json").status_code == 200
    page = httpx2.get(server.url + "/")
    assert page.status_code == 200 and "default-src 'none'" in page.headers["content-security-policy"]


def test_clients_see_their_own_runs_alone(server: Server) -> None:
    id_ = server.submit(*RUN, token=ANN)
    for path in (f"/runs/{id_}", f"/runs/{id_}/events", f"/runs/{id_}/files/metrics.json"):
        assert server.ask("GET", path).status_code == 404
    assert server.ask("POST", f"/runs/{id_}/cancel").status_code == 404
    assert server.ended(id_, token=ANN)["status"] == "finished"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("model=ecco", "did you mean 'echo'?"), ("subset.nn=3", "subset.nn: unknown key"),
        ("subset.n=-1", "subset.n"), ("model=hf", "this server allows: echo, recorded"),
        ("model._target_=os.system", "no _target_"), ("+judge={_target_: os.system}", "no _target_"),
        ("name=${oc.env:HOME}", "no interpolation"), ("dataset.path=/etc/passwd", "below the server's data folder"),
        ("model.path=../../etc/passwd", "below the server's data folder"), ("model.path=~/x", "data folder"),
        ("dataset.path=out/passwd", "leads out of the server's data folder"), ("checks=[a,'/etc']", "data folder"),
        ("store.url=sqlite:///x.db", "is the server's"), ("tracking=mlflow", "is the server's"),
        ("hydra.run.dir=x", "is the server's"), ("hydra/launcher=joblib", "is the server's"),
        ("budget.account=ann", "is the server's"), ("~store.url", "is the server's"), ("--config-dir=x", "no flags"),
        ("+model@judge.model=echo", "no flags, no @"), ("model.base_url=http://10.0.0.1/v1", "may ask by an address"),
        ("model.path=file:///etc/passwd", "may ask by an address"), ("+model.trust_remote_code=true", "run code"),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_refused_in_the_command_lines_words(server: Server, override: str, said: str) -> None:
    for path in ("/runs", "/plan") if override.startswith("model=") else ("/runs",):
        answer = server.ask("POST", path, json={"overrides": [*RUN[1:], override]})
        assert answer.status_code == 422, answer.text
        assert said in answer.json()["detail"]


def test_each_value_of_a_sweep_is_looked_at(server: Server) -> None:
    for axis in ("model=echo,hf", "dataset.path=rows.jsonl,/etc/passwd", "model.path=choice(a,'~/b')"):
        answer = server.ask("POST", "/runs", json={"overrides": [*RUN[1:], axis], "multirun": True})
        assert answer.status_code == 422, answer.text
    many = ["seed=range(100)", "subset.n=range(1,9)", *RUN[:3]]
    answer = server.ask("POST", "/runs", json={"overrides": many, "multirun": True})
    assert answer.status_code == 422 and "given 800 jobs" in answer.text


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"overrides": [1]}', b'{"overrides": [], "env": {}}', b"\xff"])
def test_a_body_of_another_shape_is_refused(server: Server, body: bytes) -> None:
    assert server.ask("POST", "/runs", content=body).status_code == 422


def test_what_fails_later_is_told_with_the_commands_words(server: Server) -> None:
    found = server.ended(server.submit("model=recorded", "model.path=rows.jsonl", "judge=longest", "subset=head"))
    assert found["status"] == "failed" and found["exit_code"] in (1, 2)
    assert "rows.jsonl" in found["error"] and "Traceback" not in found["error"]


def test_a_plan_is_what_the_command_prints(server: Server) -> None:
    answer = server.ask("POST", "/plan", json={"overrides": list(RUN)})
    assert answer.status_code == 200 and "nothing is run" in answer.json()["plan"]


def test_cancelled_runs_end_and_leave_no_process(server: Server) -> None:
    ids = [server.submit(*SLOW, f"seed={seed}") for seed in range(3)]
    limit = time.monotonic() + 60
    while server.state(ids[0])["status"] != "running":
        assert time.monotonic() < limit
        time.sleep(0.2)
    for id_ in ids:
        assert server.ask("POST", f"/runs/{id_}/cancel").status_code == 200
    assert [server.ended(id_)["status"] for id_ in ids] == ["cancelled"] * 3
    below = [p for worker in server.workers() for p in worker.children(recursive=True)]
    _, alive = psutil.wait_procs(below, timeout=20)
    assert not alive


def test_a_client_that_sends_100_megabytes_sees_why_it_is_refused(server: Server) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    before = psutil.Process(server.process.pid).memory_info().rss
    for chunked in (False, True) * 3:
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        blocks = (b" " * 1_000_000 for _ in range(100))
        length = {} if chunked else {"Content-Length": str(100_000_000)}
        connection.request(
            "POST", "/runs", blocks, {"Authorization": f"Bearer {TOKEN}"} | length, encode_chunked=chunked
        )
        answer = connection.getresponse()
        assert answer.status == 413 and json.load(answer) == {"detail": "a request may have 1000000 bytes"}
        connection.close()
    assert server.ask("POST", "/runs", content=b" " * 100_000_000).status_code == 413
    assert psutil.Process(server.process.pid).memory_info().rss - before < 50_000_000


def test_slow_clients_are_let_go_and_hold_nobody_up(server: Server) -> None:
    head = [b"POST /runs HTTP/1.1\r\n", b"Host: x\r\n", b"Content-Length: 50\r\n\r\n"]
    seconds = limits.SECONDS
    found: list[bytes] = []
    slow = [
        threading.Thread(target=lambda: found.append(raw(server.url, [head[0]], 0, seconds + 15))),
        threading.Thread(target=lambda: found.append(raw(server.url, head, 0, seconds + 15))),
    ]
    for thread in slow:
        thread.start()
    start = time.monotonic()
    assert server.ask("GET", "/runs").status_code == 200
    assert time.monotonic() - start < 5
    for thread in slow:
        thread.join(seconds + 20)
    assert sorted(answer[:12] for answer in found) == [b"", b"HTTP/1.1 408"]


def test_it_listens_on_loopback_alone_and_hides_its_tokens(server: Server) -> None:
    processes = [psutil.Process(server.process.pid), *server.workers()]
    listening = [c.laddr.ip for p in processes for c in p.net_connections() if c.status == psutil.CONN_LISTEN]
    assert listening == ["127.0.0.1"]
    for process in processes[1:]:
        assert not [name for name in process.environ() if name.startswith("ALPACABENCH_SERVE_TOKEN")]
    files = [path for path in server.data.rglob("*") if path.is_file() and "out" not in path.parts]
    assert files and not any(ANN.encode() in path.read_bytes() for path in files)


def test_the_description_is_valid_openapi(server: Server) -> None:
    validator = pytest.importorskip("openapi_spec_validator")
    validator.validate(httpx2.get(server.url + "/openapi.json").json())


def test_mistakes_of_its_owner_are_told_before_it_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALPACABENCH_SERVE_TOKEN", "short")
    wrong = ("--budget", "bob=1", "--workers", "0", "--allow", "model", "--data", str(tmp_path / "none"))
    assert main(["serve", *wrong, "--store", "postgresql://me:secret@db/x"]) == 2
    said = capsys.readouterr().err
    for part in ("fewer than 16", "bob=1", "--workers", "--allow", "no such folder", "literal password"):
        assert part in said
    assert "secret" not in said.replace("secrets", "")
    monkeypatch.setenv("ALPACABENCH_SERVE_TOKEN", "0123456789abcdef")
    assert main(["serve", "--port", "70000", "--data", str(tmp_path)]) == 2
    assert os.getcwd() and "cannot be listened on" in capsys.readouterr().err


def test_the_openapi_page_says_how_requests_are_refused(server: Server) -> None:
    paths = httpx2.get(f"{server.url}/openapi.json").json()["paths"]
    for asked in (server.ask("GET", "/runs", "wrong"), server.ask("GET", "/runs?limit=0")):
        known = paths["/runs"]["get"]["responses"][str(asked.status_code)]
        assert known["content"]["application/json"]["schema"]["$ref"].endswith("/Refusal")
        assert isinstance(asked.json()["detail"], str)
    assert "404" in paths["/runs/{id}"]["get"]["responses"]
    assert list(paths["/runs/{id}/events"]["get"]["responses"]["200"]["content"]) == ["text/event-stream"]
    other = server.ask("OPTIONS", "/runs")
    assert other.status_code == 405 and other.headers["allow"] == "GET, POST"
