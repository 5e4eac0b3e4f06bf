"""The service loses nothing: killed servers, workers and jobs; and no client spends more than its account has."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

import psutil
import pytest

from tests.helpers.command import run
from tests.helpers.fakes.openai_server import chat_server, made_up
from tests.helpers.service import ANN, Server, rates, serving
from tests.store.test_budget import billed


def _job(number: int) -> tuple[str, ...]:
    """Return one of the jobs: they differ in what they ask."""
    return "model=echo", "judge=longest", "subset=random", f"subset.n={5 + number % 8}", f"subset.seed={number // 8}"


def _ours(data: Path) -> list[psutil.Process]:
    """Return what still runs for a data folder, whoever started it."""
    return [p for p in psutil.process_iter(["cmdline"]) if str(data) in " ".join(p.info["cmdline"] or [])]


@pytest.mark.parametrize(
    ("jobs", "clients", "blows"),
    [pytest.param(4, 2, 2, id="few"), pytest.param(100, 8, 10, id="many", marks=pytest.mark.slow)],
)
def test_every_job_ends_once_whatever_is_killed(tmp_path: Path, jobs: int, clients: int, blows: int) -> None:
    data, dice = tmp_path / "data", random.Random(jobs)
    data.mkdir()
    server, ids, ended = Server(data, "--workers", "2"), dict[int, str](), dict[str, float]()

    def client(first: int) -> None:
        for number in range(first, jobs, clients):
            while number not in ids:
                try:
                    ids[number] = server.submit(*_job(number))
                except Exception:  # The server is being killed: a client asks again.
                    time.sleep(0.3)

    threads = [threading.Thread(target=client, args=(first,)) for first in range(clients)]
    for thread in threads:
        thread.start()
    struck = []
    for blow in range(blows):
        time.sleep(dice.uniform(2, 6))
        if blow % 2 == 0:
            server.kill()
            server.start()
            struck.append("server")
        elif victims := [p for worker in server.workers() for p in (worker, *worker.children())]:
            dice.choice(victims).kill()
            struck.append("worker or job")
    for thread in threads:
        thread.join(60 * clients)
    assert len(ids) == jobs and struck
    try:
        for id_ in ids.values():
            found = server.ended(id_, 1200)
            assert found["status"] == "finished", found
            ended[id_] = found["ended"]
        # Only what a client did not hear the answer of may be there beside: it was queued, too, and ends.
        everything = server.ask("GET", "/runs?limit=1000").json()
        assert {id_: one["ended"] for one in everything if (id_ := one["id"]) in ended} == ended
        below = psutil.Process(server.process.pid).children(recursive=True)
    finally:
        server.stop()
    _, alive = psutil.wait_procs([*below, *_ours(data)], timeout=20)
    assert not alive
    for number in sorted(dice.sample(range(jobs), min(jobs, 5))):
        alone = tmp_path / str(number)
        done = run(tmp_path, *_job(number), "tracking=none", f"hydra.run.dir={alone}")
        assert done.code == 0, done.text
        assert rates(data / "outputs" / "runs" / ids[number]) == rates(alone)


def test_a_client_spends_what_its_account_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789abcdefghijklmnop")
    cap = 0.004
    ask = ("model=echo", "judge=gpt_4_1", "subset=random", "subset.n=12", "max_failures=1")
    with (
        chat_server(made_up, latency=0.02) as judge,
        serving(tmp_path, "--workers", "2", "--budget", f"ann={cap}", "--allow-host", "127.0.0.1") as server,
    ):
        ask = (*ask, f"judge.base_url={judge.url}")
        ids = [server.submit(*ask, f"subset.seed={seed}", token=ANN) for seed in range(4)]
        ids.append(server.submit(*ask, "subset.seed=9", "budget.usd=0.0000001", token=ANN))
        found = [server.ended(id_, token=ANN) for id_ in ids]
        assert 0 < billed(judge) <= cap, "over all runs of the client"
        assert "failed" in {one["status"] for one in found[:4]}
        assert found[4]["status"] == "failed" and "budget.usd" in found[4]["error"]
        before = billed(judge)
        assert server.ended(server.submit(*ask, "subset.seed=5"))["status"] == "finished", "another client's is its own"
        assert billed(judge) > before
