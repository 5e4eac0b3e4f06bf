"""`budget.usd` is a hard cap over processes; what was paid for is kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from alpacabench.core.errors import BudgetExceeded
from alpacabench.cost.price import price_of
from alpacabench.endpoint.spending import paying
from alpacabench.store.bill import Bill, Bound
from alpacabench.store.budget import Ledger
from alpacabench.store.store import Store
from alpacabench.store.tables import answers
from tests.helpers.fakes.openai_server import chat_server, made_up
from tests.helpers.judge_data import ROOT, load_judge, made_up_pairs

CAP = 0.05
SPEND = """
import sys
from tests.helpers.judge_data import load_judge, made_up_pairs
from alpacabench.endpoint.spending import paying
from alpacabench.core.errors import BudgetExceeded
from alpacabench.store.store import Store
url, database, start, cap = sys.argv[1:]
with Store(database) as store, paying(store, "sweep", float(cap)):
    judge = load_judge("gpt_4_1", f"judge.base_url={url}", "judge.concurrency=8")
    try:
        judge.judge(made_up_pairs(60, int(start)), store)
    except BudgetExceeded as error:
        print(error)
"""


def billed(server: object) -> float:
    """Return what the server would charge: each answered request, by its own count of tokens."""
    price = price_of("gpt-4.1")
    prompts = [json.loads(r.data)["messages"] for r in server.requests]
    return sum(price.cost(sum(len(m["content"]) // 4 for m in messages), 1) for messages in prompts)


def test_four_processes_never_pass_the_cap_and_keep_what_they_paid_for(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/store.db"
    with chat_server(made_up, latency=0.02) as server:
        commands = [[sys.executable, "-c", SPEND, server.url, database, str(60 * n), str(CAP)] for n in range(4)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        runs = [subprocess.Popen(c, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) for c in commands]
        said = [run.communicate(timeout=120)[0] for run in runs]
        spent = billed(server)
        count = len(server.requests)
    assert all(run.returncode == 0 for run in runs)
    assert any("budget.usd" in text for text in said)
    assert 0.8 * CAP < spent <= CAP
    with Store(database) as store, store.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(answers)).scalar_one() == count < 240
        assert Ledger(store.engine, store.heart, "sweep", CAP).spent() == pytest.approx(spent, rel=1e-6)


def test_a_higher_cap_asks_only_for_the_rest(tmp_path: Path) -> None:
    with chat_server(made_up) as server, Store(f"sqlite:///{tmp_path}/store.db") as store:
        judge = load_judge("gpt_4_1", f"judge.base_url={server.url}", "judge.concurrency=4")
        with paying(store, "run", 0.01), pytest.raises(BudgetExceeded, match="what was paid for is kept"):
            judge.judge(made_up_pairs(60), store)
        paid = len(server.requests)
        with paying(store, "run", 1.0):
            verdicts = judge.judge(made_up_pairs(60), store)
    assert 0 < paid < 60
    assert len(server.requests) == 60
    assert all(v.preference is not None and v.cost_usd for v in verdicts)


def test_a_cap_needs_a_price(tmp_path: Path) -> None:
    with chat_server(made_up) as server, Store(f"sqlite:///{tmp_path}/store.db") as store, paying(store, "run", 1.0):
        judge = load_judge("gpt_4_1", f"judge.base_url={server.url}", "judge.model_name=my-own")
        with pytest.raises(BudgetExceeded, match=r"price of 'my-own' is unknown"):
            judge.judge(made_up_pairs(3), store)
    assert server.requests == []


def test_a_server_that_bills_more_than_a_prompt_can_have_is_expected_to_go_on(tmp_path: Path) -> None:
    with (
        chat_server(made_up, tokens=lambda text: 10_000) as server,
        Store(f"sqlite:///{tmp_path}/store.db") as store,
        paying(store, "run", 2.0),
    ):
        judge = load_judge("gpt_4_1", f"judge.base_url={server.url}", "judge.concurrency=8")
        with pytest.raises(BudgetExceeded):
            judge.judge(made_up_pairs(100), store)
    assert len(server.requests) * price_of("gpt-4.1").cost(20_000, 10_000) <= 2.0


def bound(usd: float) -> Bound:
    return Bound(usd, usd)


def bill(usd: float) -> Bill:
    return Bill(usd, usd)


def test_reservations_and_spending_never_pass_the_cap(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path}/store.db") as store:
        ledger = Ledger(store.engine, store.heart, "s", 1.0)
        first, second = ledger.reserve(bound(0.6), "m"), ledger.reserve(bound(0.6), "m")
        assert first and second is None
        assert ledger.in_flight()
        ledger.settle(first, bill(0.1))
        third = ledger.reserve(bound(0.9), "m")
        assert third
        ledger.settle(third, None)
        assert ledger.spent() == pytest.approx(1.0)
        assert ledger.reserve(bound(0.001), "m") is None
        assert not ledger.in_flight()
        assert Ledger(store.engine, store.heart, "another", 1.0).reserve(bound(1.0), "m")
