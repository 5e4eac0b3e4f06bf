"""What is stored is typed and checked, an old store is read on, and damaged rows in it are asked again."""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from alpacabench.core.errors import StoreError
from alpacabench.store.ask_once import Reply, ask_once
from alpacabench.store.payload import VERSION, Kind, Payload, payload_problem
from alpacabench.store.store import Store

GENERATION: Payload = {
    "text": "", "finish_reason": "stop", "prompt_tokens": 3, "completion_tokens": 0, "seconds": 0.1,
    "layout": {"rows": 2},
}  # fmt: skip
VERDICT: Payload = {
    "preference": 1, "raw": {"logprobs": None}, "prompt_tokens": 5, "cost_usd": None, "criteria": {"tone": 7.0}
}  # fmt: skip

BAD: list[tuple[Kind, Payload, str]] = [
    ("verdict", {}, "no preference"),
    ("verdict", {"preference": float("nan")}, "preference: given nan: a finite number from 1 to 2 is needed"),
    ("verdict", {"preference": 7}, "given 7"),
    ("verdict", {"preference": "2"}, "given '2'"),
    ("verdict", VERDICT | {"prompt_tokens": -1}, "prompt_tokens: given -1"),
    ("verdict", VERDICT | {"cost_usd": float("inf")}, "cost_usd: given inf"),
    ("verdict", VERDICT | {"criteria": {"tone": "good"}}, "criteria.tone: given 'good'"),
    ("generation", {"finish_reason": "stop"}, "no text"),
    ("generation", GENERATION | {"text": None}, "text: given None"),
    ("generation", GENERATION | {"text": ["a"]}, "text: given ['a']"),
    ("generation", GENERATION | {"finish_reason": "because"}, "finish_reason: given 'because'"),
    ("generation", GENERATION | {"completion_tokens": 1.5}, "completion_tokens: given 1.5"),
    ("generation", GENERATION | {"seconds": "long"}, "seconds: given 'long'"),
    ("generation", GENERATION | {"reasoning": 3}, "reasoning: given 3"),
]


def test_answers_of_each_kind_are_taken() -> None:
    assert payload_problem("generation", GENERATION) is None
    assert payload_problem("verdict", VERDICT) is None


@pytest.mark.parametrize(("kind", "payload", "cause"), BAD)
def test_what_is_no_answer_is_a_failure_and_never_stored(
    kind: Kind, payload: Payload, cause: str, tmp_path: Path
) -> None:
    with Store(f"sqlite:///{tmp_path}/store.db") as store:
        found = ask_once(store, kind, {"k": 0}, lambda asked: [Reply("k", payload)])
        assert not found.payloads
        assert cause in str(found.failures["k"].failure)
        with pytest.raises(StoreError, match="no usable"):
            store.commit(kind, [Reply("k", payload)])
        assert not store.get(kind, ["k"])
        good = GENERATION if kind == "generation" else VERDICT
        assert ask_once(store, kind, {"k": 0}, lambda asked: [Reply("k", good)]).payloads["k"] == good
    assert _stored(tmp_path / "store.db")["k"]["schema"] == VERSION


def _stored(path: Path) -> dict[str, Payload]:
    with sqlite3.connect(path) as connection:
        return {key: json.loads(text) for key, text in connection.execute("select key, payload from answers")}


def test_an_old_store_is_read_on_and_its_damaged_rows_are_asked_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "store.db"
    Store(f"sqlite:///{path}").close()
    rows = {
        "good": '{"preference": 2.0, "raw": "kept", "prompt_tokens": 4}', "none": '{"raw": {}}',
        "broken": '{"preference":', "seven": '{"preference": 7}', "nan": '{"preference": NaN}',
        "text": '{"preference": "1"}', "list": "[1]", "null": "null",
    }  # fmt: skip
    with sqlite3.connect(path) as connection:
        for key, payload in rows.items():
            connection.execute("insert into answers values ('verdict', ?, ?, ?)", (key, payload, time.time()))
    asked: list[str] = []

    def ask(questions: list[str]) -> Iterator[Reply]:
        asked.extend(questions)
        yield from (Reply(key, {"preference": 1.25}) for key in questions)

    for _ in range(2):
        with Store(f"sqlite:///{path}") as store, caplog.at_level(logging.WARNING):
            found = ask_once(store, "verdict", {key: key for key in rows}, ask)
            assert found.payloads == {key: {"preference": 1.25} for key in rows} | {
                "good": {"preference": 2.0, "raw": "kept", "prompt_tokens": 4}
            }
    assert sorted(asked) == sorted(set(rows) - {"good"})
    (told,) = [record.getMessage() for record in caplog.records]
    assert "are damaged and are asked again" in told and "4 more" in told


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with Store(f"sqlite:///{path}") as store:
        store.commit("verdict", [Reply("k", VERDICT)])
        with sqlite3.connect(path) as connection:
            connection.execute("update answers set payload = ?", (json.dumps(VERDICT | {"schema": VERSION + 1}),))
        with pytest.raises(StoreError, match="newer alpacabench"):
            store.get("verdict", ["k"])


def test_what_a_failure_shows_may_hold_numbers_that_json_has_not(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path}/store.db") as store:
        store.commit("verdict", [Reply("k", failure="unreadable", detail={"logprob": float("-inf"), "of": {1, 2}})])
    with sqlite3.connect(tmp_path / "store.db") as connection:
        ((detail,),) = connection.execute("select detail from failures")
    assert json.loads(detail)["logprob"] == "-inf"
