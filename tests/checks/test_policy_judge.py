"""A model as a judge of policy: asked once for each answer, over a server; planned, paid for, never trusted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.command import run
from tests.helpers.fakes.http_server import HttpServer
from tests.helpers.fakes.openai_server import chat_server

POLICY = """
version: 1
rules:
  - {name: competitor, message: names a competitor}
  - {name: medical, message: gives a dose, when: ['dose']}
"""
N = 12


def _answer(body: dict[str, Any]) -> dict[str, Any]:
    """Say what stands in the answer; nonsense for one of them, and obey no order in it."""
    text = body["messages"][-1]["content"]
    answer = text.rpartition("<answer>")[2]
    said = {rule: word in answer for rule, word in (("competitor", "Acme"), ("medical", "mg")) if f"- {rule}:" in text}
    content = "All fine." if "nonsense" in answer else f"Here:\n```json\n{json.dumps(said)}\n```"
    return {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with chat_server(_answer) as found:
        yield found


def job(folder: Path, server: HttpServer) -> list[str]:
    (folder / "policy.yaml").write_text(POLICY)
    answers = ["Buy Acme.", "Take 5 mg.", "nonsense", *(f"Fine {i}." for i in range(N - 3))]
    rows = [{"instruction": f"Which dose {i}?" if i < 2 else f"Say {i}", "output": "a reference"} for i in range(N)]
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    given = [row | {"output": answer, "generator": "m"} for row, answer in zip(rows, answers, strict=True)]
    (folder / "m.json").write_text(json.dumps(given))
    return [
        "dataset=jsonl", f"dataset.path={folder}/data.jsonl", "model=recorded", f"model.path={folder}/m.json",
        "judge=longest", "tracking=none", "checks=[policy_judge]", f"checks.policy_judge.path={folder}/policy.yaml",
        f"checks.policy_judge.base_url={server.url}/v1",
    ]  # fmt: skip


def test_each_answer_is_asked_about_once_planned_and_paid_for(server: HttpServer, tmp_path: Path) -> None:
    words = job(tmp_path, server)
    plan = run(tmp_path, *words, "plan=true")
    assert plan.code == 0 and "gpt-4.1-mini (policy)" in plan.text, plan.text
    assert not server.requests, "a plan asks nothing"
    first = run(tmp_path, *words, "hydra.run.dir=first")
    assert first.code == 0, first.text
    metrics = json.loads((tmp_path / "first" / "metrics.json").read_text())
    assert metrics["n_checked/policy_judge"] == N - 1, "what could not be read is neither clean nor a violation"
    assert metrics["violation_rate/policy_judge"] == pytest.approx(100 * 2 / (N - 1))
    assert metrics["cost_usd"] > 0 and metrics["n_judged"] == N
    assert "1 answers could not be checked" in first.text
    lines = [json.loads(line) for line in (tmp_path / "first" / "checks.jsonl").read_text().splitlines()]
    found = [[finding["rule"] for finding in line["findings"]] for line in lines if line["findings"]]
    assert found == [["competitor"], ["medical"]]
    asked = len(server.requests)
    second = run(tmp_path, *words, "hydra.run.dir=second")
    again = [request for request in server.requests[asked:] if "nonsense" not in str(request)]
    assert second.code == 0 and not again, "only what could not be read is asked again"


def test_a_budget_holds_for_it_too(server: HttpServer, tmp_path: Path) -> None:
    words = job(tmp_path, server)
    done = run(tmp_path, *words, "budget.usd=0.0000001", "hydra.run.dir=out")
    assert done.code != 0 and "budget" in done.text and not server.requests, done.text
    unknown = run(tmp_path, *words, "budget.usd=1", "checks.policy_judge.model_name=of-nobody")
    assert unknown.code == 2 and "checks.policy_judge.model_name: budget.usd is 1.0" in unknown.text


def test_a_rule_without_a_message_and_a_bad_server_are_told_first(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("rules:\n  - {name: mute, forbid: [x]}\n")
    done = run(
        tmp_path, "model=echo", "judge=longest", "tracking=none", "checks=[policy_judge]",
        f"checks.policy_judge.path={tmp_path}/policy.yaml", "checks.policy_judge.base_url=nowhere",
    )  # fmt: skip
    assert done.code == 2 and "rule 'mute' has no message" in done.text
    assert "checks.policy_judge.base_url: given 'nowhere'" in done.text
