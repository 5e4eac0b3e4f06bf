"""Models that call tools rightly, wrongly, never, for ever, in parallel and malformed: the real command, real HTTP."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from math import comb
from pathlib import Path
from typing import Any

import pytest

from alpacabench.sandbox.program import sandbox_problem
from tests.helpers.command import ROOT, metrics, run, succeed
from tests.helpers.explorer_data import rows_of
from tests.helpers.fakes.http_server import HttpServer, Request, Response
from tests.helpers.fakes.tool_server import ToolModel

ROWS: list[dict[str, Any]] = [
    {"instruction": "What is 6*7? [rightly 6*7]", "output": "42",
     "expected": {"answer": 42, "calls": [{"name": "calculator", "arguments": {"expression": "6*7"}}]}},
    {"instruction": "Try it. [wrongly]", "output": "-", "expected": {"answer": "42"}},
    {"instruction": "No need. [never]", "output": "-", "expected": {"calls": []}},
    {"instruction": "On and on. [forever 1+1]", "output": "-", "expected": {"answer": "2"}},
    {"instruction": "Both. [parallel 1+1 2+2]", "output": "-", "expected": {"answer": ["4", "four"]}},
    {"instruction": "Broken. [malformed]", "output": "-", "expected": {"answer": "42"}},
    {"instruction": "Until it works. [again 3*3]", "output": "-", "expected": {"answer": "9"}},
    {"turns": ["First. [rightly 2*3]", "Then. [wrongly]"], "outputs": ["6", "-"],
     "expected": [{"answer": "6"}, {"answer": "1"}]},
]  # fmt: skip


def options(folder: Path, url: str, rows: list[dict[str, Any]], *more: str) -> list[str]:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return [
        "dataset=jsonl", f"dataset.path={folder}/rows.jsonl", "model=openai_compatible", "model.path=m",
        f"model.base_url={url}", "tools=[calculator]", "judge=none", "tracking=none", *more,
    ]  # fmt: skip


def conversations(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "generations.jsonl").read_text().splitlines()]


def test_each_ends_as_it_should_and_the_figures_equal_a_count(tmp_path: Path) -> None:
    model = ToolModel()
    with model.server() as server:
        found = succeed(tmp_path, *options(tmp_path, server.url, ROWS, "max_steps=4"))
    held = conversations(tmp_path / "run")
    assert [row["ending"] for row in held] == ["answer", "answer", "answer", "max_steps", *["answer"] * 4]
    assert [len(row["steps"]) for row in held] == [2, 2, 1, 4, 2, 3, 2, 4]
    assert len(model.bodies) == sum(len(row["steps"]) for row in held) == found["n_generated"]
    results = [[r["status"] for step in row["steps"] for r in step.get("results", ())] for row in held]
    assert results == [
        ["ok"], ["invalid"], [], ["ok", "ok", "ok", "not_run"], ["ok", "ok"], ["invalid", "ok"], ["ok"],
        ["ok", "invalid"],
    ]  # fmt: skip
    assert [row["right"] for row in held] == [
        [True], [False], [True], [False], [True], [True], [True], [True, False],
    ]  # fmt: skip
    assert held[4]["output"] == "It is 2 and 4." and held[3]["output"] == ""
    told = held[1]["steps"][0]["results"][0]["text"]
    assert "no tool 'no_such_tool'" in told and "calculator" in told
    assert "no JSON" in held[5]["steps"][0]["results"][0]["text"]
    calls = sum(map(len, results))
    assert found["tool_calls"] == pytest.approx(calls / len(held))
    assert found["invalid_call_rate"] == pytest.approx(100 * sum(r.count("invalid") for r in results) / calls)
    assert found["task_success"] == pytest.approx(100 * 5 / 8)
    assert found["turn_success"] == pytest.approx(100 * 5.5 / 8)
    assert found["max_steps_rate"] == pytest.approx(100 / 8)
    assert found["pass_hat_k"] == pytest.approx(5 / 8) and "tool_recovery_rate" not in found
    assert all(body["tools"][0]["function"]["name"] == "calculator" for body in model.bodies)


@pytest.mark.parametrize("shape", ["anthropic", "objects", "no_ids", "same_ids"])
def test_every_shape_of_calls_comes_to_the_same(tmp_path: Path, shape: str) -> None:
    if shape == "anthropic":
        pytest.importorskip("anthropic")
    model = ToolModel(shape)
    with model.server() as server:
        url = server.url.removesuffix("/v1") if shape == "anthropic" else server.url
        chosen = [f"model={'anthropic' if shape == 'anthropic' else 'openai_compatible'}", "max_steps=4"]
        found = succeed(tmp_path, *options(tmp_path, url, ROWS[:6], *chosen), env={"ANTHROPIC_API_KEY": "k"})
    assert server.statuses == {200: len(model.bodies)}
    assert found["task_success"] == pytest.approx(100 * 4 / 6) and found["n_generated"] == 14
    assert found["tool_calls"] == pytest.approx(10 / 6) and found["invalid_call_rate"] == pytest.approx(20)


def struck(seed: int, instruction: str, sample: int, step: int, call: int, rate: float, kinds: list[str]) -> str:
    """Return the kind of failure that docs/tools.md's formula gives; empty for none."""
    text = "\x1f".join([str(seed), instruction, str(sample), str(step), str(call)])
    drawn = hashlib.sha256(text.encode()).digest()
    first, second = int.from_bytes(drawn[:8], "big") / 2**64, int.from_bytes(drawn[8:16], "big") / 2**64
    return kinds[int(second * len(kinds))] if first < rate else ""


def test_failures_come_at_the_seeded_places_and_recovery_equals_a_count(tmp_path: Path) -> None:
    rows = [{"instruction": f"Task {n}. [{'again' if n % 3 else 'rightly'} {n}*2]", "output": "-",
             "expected": {"answer": str(n * 2)}} for n in range(12)]  # fmt: skip
    kinds = ["error", "timeout", "partial", "malformed"]
    script = ["tool_failures.rate=0.5", "seed=3", "decoding.n=3", "decoding.temperature=1", "max_steps=5"]
    with ToolModel().server() as server:
        found = succeed(tmp_path, *options(tmp_path, server.url, rows, *script))
    held = conversations(tmp_path / "run")
    injected, after, right = Counter[str](), [], dict[int, list[bool]]()
    for row in held:
        last = None
        for number, step in enumerate(row["steps"], start=1):
            for place, result in enumerate(step.get("results", ()), start=1):
                kind = struck(3, row["prompt"], row["sample"], number, place, 0.5, kinds)
                if result["status"] != "not_run":
                    assert result["injected"] == kind
                    injected[kind] += bool(kind)
                    last = number if kind else last
        answer = row["ending"] == "answer" and f" {rows[row['item_id']]['expected']['answer']}." in row["output"]
        right.setdefault(row["item_id"], []).append(answer)
        if last is not None:
            later = [r["status"] for step in row["steps"][last:] for r in step.get("results", ())]
            after.append("ok" in later or answer)
    assert len(held) == 36 and set(injected) == {*kinds, ""} and found["n_tool_failures"] == injected.total()
    assert found["tool_recovery_rate"] == pytest.approx(100 * sum(after) / len(after)) and 0 < sum(after) < len(after)
    assert found["task_success"] == pytest.approx(100 * sum(map(sum, right.values())) / 36)
    for k in (1, 2, 3):
        estimate = sum(comb(sum(one), k) / comb(3, k) for one in right.values()) / 12
        assert found[f"pass_hat_k/{k}"] == pytest.approx(estimate)
    assert found["pass_hat_k"] == found["pass_hat_k/3"]


def test_failures_at_places(tmp_path: Path) -> None:
    places = "tool_failures.places=[{step: 1, kind: timeout, item_id: 1}, {call: 2, kind: partial, tool: calculator}]"
    rows = [ROWS[0], ROWS[6], {**ROWS[4], "instruction": "Both. [parallel 1+1 1000*1234]"}]
    with ToolModel().server() as server:
        found = succeed(tmp_path, *options(tmp_path, server.url, rows, places))
    held = conversations(tmp_path / "run")
    assert [[r["injected"] for step in row["steps"] for r in step.get("results", ())] for row in held] == [
        [""], ["timeout", ""], ["", "partial"],
    ]  # fmt: skip
    assert held[2]["steps"][0]["results"][1]["text"] == "123"
    assert found["n_tool_failures"] == 2 and found["tool_recovery_rate"] == 50
    (whole,) = rows_of(tmp_path / "run" / "explorer.html")[2][5][0][1]
    failed = 'Tool failed: (injected failure: timeout) {"error": "no answer within 30 s"}'
    assert f'Call: calculator {{"expression": "3*3"}}\n\n{failed}\n\n' in whole


def command(folder: Path, *overrides: str) -> list[str]:
    return [sys.executable, str(ROOT / "run.py"), *overrides, f"hydra.run.dir={folder}/run"]


def test_a_killed_run_goes_on_and_asks_nothing_twice(tmp_path: Path) -> None:
    rows = [{"instruction": f"Task {n}. [forever {n}+1]", "output": "-"} for n in range(8)]
    model = ToolModel()
    with model.server(latency=0.15) as server:
        given = options(tmp_path, server.url, rows, "max_steps=4", "model.concurrency=2", "tool_failures.rate=0.3")
        process = subprocess.Popen(command(tmp_path, *given), cwd=tmp_path, start_new_session=True)
        deadline = time.monotonic() + 120
        while len(model.bodies) < 13 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        time.sleep(0.5)  # what was sent before the kill arrives
        before = len(model.bodies)
        assert 13 <= before < 32
        planned = run(tmp_path, *given, "plan=true")
        assert planned.code == 0 and len(model.bodies) == before
        found = succeed(tmp_path, *given)
        again = succeed(tmp_path, *given)
    # What was in flight when it was killed is asked again: two at most.
    assert 32 <= len(model.bodies) <= 34
    seen = Counter(json.dumps(body["messages"]) for body in model.bodies)
    assert len(seen) == 32 and sum(times - 1 for times in seen.values()) <= 2
    assert found["tool_calls"] == again["tool_calls"] == 4 and again["n_generated"] == 0
    assert f" {32 - 8 * 4 + (32 - found['n_generated']):.0f} " in planned.text


def test_a_sweep_asks_together_what_one_by_one_would(tmp_path: Path) -> None:
    results = {}
    for schedule in ("together", "one_by_one"):
        folder, model = tmp_path / schedule, ToolModel()
        folder.mkdir()
        with model.server() as server:
            given = options(
                folder,
                server.url,
                ROWS[:7],
                "max_steps=3",
                "judge=longest",
                f"schedule={schedule}",
                "objective=task_success",
            )
            outcome = run(folder, "-m", *given, "decoding.max_new_tokens=50,60", f"hydra.sweep.dir={folder}/sweep")
        assert outcome.code == 0, outcome.text
        texts = [(folder / "sweep" / job / "generations.jsonl").read_text() for job in "01"]
        figures = [metrics(folder / "sweep" / job) for job in "01"]
        kept = [{k: v for k, v in one.items() if "second" not in k and "peak" not in k} for one in figures]
        results[schedule] = (texts, kept, len(model.bodies))
    assert results["together"] == results["one_by_one"]


def test_the_budget_holds_between_the_steps(tmp_path: Path) -> None:
    rows = [{"instruction": f"Task {n}. [forever {n}+1]", "output": "-"} for n in range(6)]
    model = ToolModel()
    with model.server() as server:
        given = options(tmp_path, server.url, rows, "model.path=gpt-4.1-mini", "decoding.max_new_tokens=20")
        outcome = run(tmp_path, *given, "budget.usd=0.0006", "max_steps=6")
        assert outcome.code == 1 and "budget.usd" in outcome.text, outcome.text
        paid = len(model.bodies)
        assert 0 < paid < 36
        outcome = run(tmp_path, *given, "budget.usd=1", "max_steps=6")
    assert outcome.code == 0 and len(model.bodies) == 36


@pytest.mark.skipif(sandbox_problem("x") is not None, reason="no sandbox here")
def test_what_a_program_printed_is_kept_and_a_second_run_asks_nothing(tmp_path: Path) -> None:
    code = "import time; print(time.time_ns())"
    asked: list[dict[str, Any]] = []

    def handle(request: Request) -> Response:
        asked.append(request.body)
        last = request.body["messages"][-1]
        call = {"id": "c", "function": {"name": "python", "arguments": json.dumps({"code": code})}}
        message = {"content": f"At {last['content']}"} if last["role"] == "tool" else {"tool_calls": [call]}
        return Response({"choices": [{"message": message}], "usage": {"prompt_tokens": 9, "completion_tokens": 3}})

    rows = [{"instruction": f"Row {n}", "output": "-"} for n in range(2)]
    with HttpServer(handle) as server:
        given = options(tmp_path, server.url, rows, "tools=[python]", "decoding.n=2", "decoding.temperature=1")
        first = succeed(tmp_path, *given)
        said = [row["output"] for row in conversations(tmp_path / "run")]
        planned = run(tmp_path, *given, "plan=true")
        again = succeed(tmp_path, *given)
    assert len(asked) == 8 and len(set(said)) == 4 and first["n_generated"] == 8 and again["n_generated"] == 0
    assert [row["output"] for row in conversations(tmp_path / "run")] == said
    assert re.search(r"answers +│ +│ +0 │ +8 │", planned.text), planned.text


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["max_steps=0"], "max_steps: given 0"),
        (["tool_failures.rate=2"], "tool_failures.rate: given 2"),
        (["tool_failures.kinds=[fire]"], "'error', 'timeout', 'partial' or 'malformed'"),
        (["tool_failures.rate=0.1", "tool_failures.places=[{kind: error}]"], "by chance (rate) or at places, not both"),
        (["tool_failures.places=[{kind: error, step: 99}]"], "at most max_steps=10"),
        (["tool_failures.places=[{kind: error, tool: search}]"], "given 'search', which is not offered"),
        (["tool_failures.places=[{kind: error, when: 1}]"], "tool_failures.places.0.when: unknown key"),
        (["tool_failures.places=[{kind: fire}]"], "tool_failures.places.0.kind"),
        (["tools=[]", "tool_failures.rate=0.1"], "but no tools"),
        (["model=recorded", "model.path=rows.jsonl", "model.base_url=null"], "model=recorded cannot be offered tools"),
        (["tools=[search]"], "no row of"),
        (["tools=[calculator,nothing]"], "nothing"),
    ],
)
def test_mistakes_are_told_before_anything_is_asked(tmp_path: Path, overrides: list[str], said: str) -> None:
    outcome = run(tmp_path, *options(tmp_path, "http://127.0.0.1:9/v1", ROWS[:2]), *overrides)
    assert outcome.code == 2 and said in outcome.text and "Traceback" not in outcome.text, outcome.text


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"expected": "42"}, "'expected' is '42'"),
        ({"expected": {"answr": "42"}}, "expected.answr"),
        ({"expected": {"calls": [{"arguments": {}}]}}, "expected.calls.0.name"),
        ({"expected": [{"answer": "1"}, {"answer": "2"}]}, "has 2 entries, and the user speaks 1 times"),
        ({"documents": "text"}, "'documents' is a str"),
    ],
)
def test_rows_that_tools_cannot_use_are_named(tmp_path: Path, row: dict[str, Any], said: str) -> None:
    rows = [{"instruction": "a", "output": "b", "documents": ["x"]}, {"instruction": "c", "output": "d"} | row]
    outcome = run(tmp_path, *options(tmp_path, "http://127.0.0.1:9/v1", rows, "tools=[calculator,search]"))
    assert outcome.code == 2 and "row 2" in outcome.text and said in outcome.text, outcome.text
