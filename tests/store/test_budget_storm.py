"""`budget.usd` under four processes that are killed, at a server that bills ten times the estimate, or below zero."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from alpacabench.cost.price import price_of
from alpacabench.store.budget import Ledger
from alpacabench.store.store import Store
from tests.helpers.fakes.http_server import HttpServer, Request, Response
from tests.helpers.fakes.openai_server import made_up
from tests.helpers.judge_data import ROOT
from tests.store.test_budget import SPEND

CAP = 0.3
ODD = 7
"""Of so many replies one tells a usage that cannot be; what the server bills for it is what it bills for all."""


def dear(bills: list[float]) -> HttpServer:
    """Return a server that bills ten tokens for each byte of a prompt; what it bills is appended, in dollars."""
    price = price_of("gpt-4.1")
    assert price is not None

    def answer(request: Request) -> Response:
        body: dict[str, Any] = request.body
        prompt = 10 * sum(len(message["content"].encode()) for message in body["messages"])
        bills.append(price.cost(prompt, 1))
        told = -prompt if len(bills) % ODD == ODD - 1 else prompt
        usage = {"prompt_tokens": told, "completion_tokens": 1}
        return Response({"model": body["model"], "choices": [made_up(body)], "usage": usage})

    return HttpServer(answer, latency=0.05)


def start(server: HttpServer, database: str, number: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SPEND, server.url, database, str(60 * number), str(CAP)]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)  # fmt: skip


@pytest.mark.slow
def test_kills_dear_bills_and_bills_below_zero_never_pass_the_cap(tmp_path: Path) -> None:
    database, bills, kills = f"sqlite:///{tmp_path}/store.db", list[float](), 0
    with dear(bills) as server:
        for wanted in (5, 10, 15):
            runs = [start(server, database, number) for number in range(4)]
            deadline = time.monotonic() + 120
            while len(bills) < wanted and time.monotonic() < deadline and any(run.poll() is None for run in runs):
                time.sleep(0.01)
            for run in runs:
                run.kill()
                run.communicate()
            kills += sum(run.returncode == -9 for run in runs)
        last = [start(server, database, number) for number in range(4)]
        said = [run.communicate(timeout=240) for run in last]
    assert kills >= 8 and all(run.returncode == 0 for run in last), said
    assert all("budget.usd" in told and "Traceback" not in error for told, error in said)
    assert 0.5 * CAP < sum(bills) <= CAP
    with Store(database) as store:
        assert sum(bills) <= Ledger(store.engine, store.heart, "sweep", CAP).spent() + 1e-9 <= CAP + 1e-9
    requests = [json.loads(request.data)["messages"] for request in server.requests]
    assert len(requests) == len(bills)
