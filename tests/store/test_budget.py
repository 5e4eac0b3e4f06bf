"""`budget.usd` is a hard cap over processes; what was paid for is kept."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from alpacabench.core.errors import BudgetExceeded
from alpacabench.cost.price import Price, price_of
from alpacabench.endpoint.openai_wire import parse
from alpacabench.endpoint.spending import Purse, paying
from alpacabench.endpoint.wire import Completion
from alpacabench.store.batches import Batches, OpenBatch
from alpacabench.store.bill import Bill, Bound
from alpacabench.store.budget import Ledger, settle
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


def test_a_dead_processs_reservations_count_at_most_as_what_such_requests_were_seen_to_cost(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path}/store.db") as store, Store(f"sqlite:///{tmp_path}/store.db") as killed:
        own = Ledger(store.engine, store.heart, "s", 1.5)
        dead = Ledger(killed.engine, killed.heart, "s", 1.5)
        paid = dead.reserve(Bound(0.09, 0.1), "m")
        assert paid
        dead.settle(paid, Bill(0.03, 0.031))
        assert all(dead.reserve(Bound(0.009, 0.01), "m") for _ in range(10))
        killed.close()
        assert not own.in_flight()
        # A prompt like the dearest (a third of its bytes), and an answer at full length: 0.003 + 0.001 each.
        assert own.spent() == pytest.approx(0.031 + 10 * 0.004)
        assert own.reserve(bound(1.4), "m")


def test_before_the_first_bill_all_of_a_dead_processs_reservation_counts(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path}/store.db") as store, Store(f"sqlite:///{tmp_path}/store.db") as killed:
        own = Ledger(store.engine, store.heart, "s", 1.0)
        assert Ledger(killed.engine, killed.heart, "s", 1.0).reserve(bound(0.7), "m")
        assert own.in_flight()
        killed.close()
        assert not own.in_flight() and own.spent() == pytest.approx(0.7)


def test_a_sleepers_bill_replaces_what_was_counted_for_it(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path}/store.db") as store, Store(f"sqlite:///{tmp_path}/store.db") as sleeper:
        own, late = (Ledger(s.engine, s.heart, "s", 1.0) for s in (store, sleeper))
        hold = late.reserve(bound(0.7), "m")
        assert hold
        with store.engine.begin() as connection:
            connection.exec_driver_sql("delete from owners where owner = ?", (sleeper.owner,))
        assert not own.in_flight() and own.spent() == pytest.approx(0.7)
        late.settle(hold, bill(0.2))
        assert own.spent() == pytest.approx(0.2)


def test_a_batch_is_settled_by_whoever_reads_it_and_until_then_it_is_held(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path}/store.db") as store, Store(f"sqlite:///{tmp_path}/store.db") as killed:
        own = Ledger(store.engine, store.heart, "s", 1.5)
        hold = Ledger(killed.engine, killed.heart, "s", 1.5).reserve(bound(1.49), "m", batch=True)
        assert hold
        Batches(killed.engine, "server").add(OpenBatch("token", "b1", frozenset({"k"}), hold))
        killed.close()
        assert not own.in_flight() and own.reserve(bound(0.1), "m") is None, "it is submitted, and will be billed"
        (batch,) = Batches(store.engine, "server").open({"k"})
        settle(store.engine, batch.hold, bill(0.42))
        settle(store.engine, batch.hold, bill(0.42))
        assert own.spent() == pytest.approx(0.42), "once"
        assert own.reserve(bound(1.0), "m")


def test_the_next_batch_is_expected_to_be_as_dear_as_the_dearest(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path}/store.db") as store:
        ledger = Ledger(store.engine, store.heart, "s", 10.0)
        first = ledger.reserve(Bound(0.4, 0.5), "m", batch=True)
        assert first and ledger.reserve(bound(0.1), "m"), "a single request does not wait for a batch"
        settle(store.engine, first, bill(4.0))
        assert ledger.reserve(Bound(0.6, 0.7), "m", batch=True) is None, "it may cost 8 times as much: 6.16 of 5.9"
        assert ledger.reserve(Bound(0.3, 0.4), "m", batch=True)


def test_the_first_bill_is_awaited_alone_and_the_others_are_expected_to_be_as_dear(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path}/a.db") as store, Store(f"sqlite:///{tmp_path}/a.db") as other:
        ledger, second = (Ledger(s.engine, s.heart, "s", 1.0) for s in (store, other))
        first = ledger.reserve(bound(0.01), "m")
        assert first and second.reserve(bound(0.01), "m") is None and second.in_flight()
        assert second.reserve(bound(0.01), "another"), "each model has bills of its own"
        ledger.settle(first, bill(0.1))
        dear = second.reserve(bound(0.001), "m")
        assert dear
        with store.engine.connect() as connection:
            held = connection.exec_driver_sql("select usd from budget_holds where id = ?", (dear,)).scalar_one()
        assert held == pytest.approx(0.11), "not ten times its length, but as much as the dearest and a margin"
        assert ledger.reserve(bound(0.001), "m") is None, "not two at once, which could be ten times as dear"


USAGES = st.one_of(st.none(), st.integers(-(10**30), 10**30), st.integers(-5, 5000))


@given(prompt=USAGES, written=USAGES, cached=USAGES)
def test_no_usage_makes_a_cost_or_a_count_that_is_below_zero(prompt: Any, written: Any, cached: Any) -> None:
    told = Completion("m", {}, "stop", *(value or 0 for value in (prompt, written, cached)))
    receipt = Purse("gpt-4.1").receipt(told)
    assert min(receipt.prompt_tokens, receipt.completion_tokens) >= 0
    counts = (told.prompt_tokens, told.completion_tokens, told.cached_tokens)
    assert (receipt.bill is None) == (told.prompt_tokens <= 0 or min(counts) < 0 or max(counts) > 10**8)
    if receipt.bill is not None:
        least = Price(2.0, 0.5, 8.0, 0.5).cost(told.prompt_tokens, told.completion_tokens, told.prompt_tokens)
        assert 0.0 < least <= receipt.bill.total * (1 + 1e-9) < math.inf


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        ({"prompt_tokens": -(10**9), "completion_tokens": 1}, None),
        ({"prompt_tokens": 100, "completion_tokens": -(10**9)}, None),
        ({"prompt_tokens": 10**30, "completion_tokens": 1}, None),
        ({}, None),
        ({"prompt_tokens": 1000, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 500}}, 0.001258),
        ({"prompt_tokens": 100, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 1000}}, 0.0007),
    ],
    ids=["prompt below zero", "answer below zero", "too large", "none", "cached", "cached apart"],
)
def test_what_a_server_bills_is_a_cost_or_unknown(usage: dict[str, Any], usd: float | None) -> None:
    choice = {"message": {"content": "m"}, "finish_reason": "stop"}
    receipt = Purse("gpt-4.1").receipt(parse(json.dumps({"choices": [choice], "usage": usage}), 0.0))
    assert (receipt.bill and receipt.bill.total) == (usd and pytest.approx(usd))
