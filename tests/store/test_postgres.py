"""The store on PostgreSQL: several processes, dead owners, one budget, and a server that goes away."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from alpacabench.core.errors import StoreError
from alpacabench.store.ask_once import Reply, ask_once
from alpacabench.store.bill import Bill, Bound
from alpacabench.store.budget import Ledger
from alpacabench.store.database import VERSION
from alpacabench.store.store import Store

pytestmark = pytest.mark.cluster
KEYS = {f"k{i}": i for i in range(200)}


def _work(url: str, log: str) -> None:
    def asks(questions: list[int]) -> Iterator[Reply]:
        with Store(url) as paying:
            ledger = Ledger(paying.engine, paying.heart, "sweep", 100.0)
            for number in questions:
                while (hold := ledger.reserve(Bound(0.1, 0.1), "m")) is None:
                    ledger.in_flight()
                with Path(log).open("a") as file:
                    file.write(f"k{number}\n")
                ledger.settle(hold, Bill(0.05, 0.05))
                yield Reply(f"k{number}", {"preference": 1.0 + number / 200})

    with Store(url) as store:
        assert len(ask_once(store, "verdict", KEYS, asks).payloads) == len(KEYS)


def test_processes_that_start_at_once_share_the_work_and_the_budget(postgres: str, tmp_path: Path) -> None:
    log = tmp_path / "asked"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_work, args=(postgres, str(log))) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert sorted(log.read_text().split()) == sorted(KEYS)
    with Store(postgres) as store:
        ledger = Ledger(store.engine, store.heart, "sweep", 100.0)
        assert ledger.spent() == pytest.approx(0.05 * len(KEYS)) and not ledger.in_flight()


def test_an_older_store_is_brought_up_to_date_and_a_later_one_refused(postgres: str) -> None:
    engine = create_engine(postgres)
    with engine.begin() as connection:
        connection.execute(text("create table budgets (scope varchar(128) primary key, spent float not null)"))
        connection.execute(
            text(
                "create table budget_holds (id serial primary key, scope varchar(128) not null, "
                "owner varchar(255) not null, usd float not null, created float not null)"
            )
        )
        connection.execute(text("insert into budgets values ('s', 0.25)"))
        connection.execute(text("insert into budget_holds values (7, 's', 'host:1:2:old', 0.5, 0)"))
    with Store(postgres) as store:
        ledger = Ledger(store.engine, store.heart, "s", 1.0)
        assert not ledger.in_flight() and ledger.spent() == pytest.approx(0.75)
    with engine.begin() as connection:
        connection.execute(text(f"comment on table answers is '{VERSION + 1}'"))
    with pytest.raises(StoreError, match="a later version of alpacabench"):
        Store(postgres)
    engine.dispose()


def test_a_server_that_goes_away_is_one_message_and_what_was_stored_is_kept(postgres: str) -> None:
    with Store(postgres) as store:

        def goes_away(questions: list[int]) -> Iterator[Reply]:
            for number in questions:
                if number == 3:
                    with create_engine(postgres).connect() as connection:
                        others = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
                        connection.execute(text(others))
                        connection.execute(text("alter role me nologin"))
                        connection.commit()
                yield Reply(f"k{number}", {"preference": 1.0})

        with pytest.raises(StoreError, match="the same command goes on"):
            ask_once(store, "verdict", KEYS, goes_away)
