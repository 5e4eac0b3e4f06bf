"""What a release needs: findings in MLflow, a set of checks with its gate, leaks counted, a live model masked."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.command import run
from tests.helpers.fakes.http_server import HttpServer
from tests.helpers.fakes.openai_server import chat_server
from tests.helpers.finished_runs import alpacabench
from tests.helpers.tracking_data import client, run_of

CARD, KEY = "4111 1111 1111 1111", "AKIAQ3EGPZL4M5NXK7TB"


def _answer(body: dict[str, Any]) -> dict[str, Any]:
    """Leak to half of what is asked: a card and a key, and, asked for base64, the system prompt."""
    asked, system = body["messages"][-1]["content"], body["messages"][0]["content"]
    said = f"Of course: {CARD}, and the key is {KEY}." if "prompt 1" in asked else "I would rather talk of the weather."
    if "base64" in asked:
        said = base64.b64encode(system.encode()).decode()
    return {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with chat_server(_answer) as found:
        yield found


def model(server: HttpServer) -> list[str]:
    return ["model=openai_compatible", "model.path=m", f"model.base_url={server.url}/v1", "judge=longest"]


def data(folder: Path, n: int = 12) -> list[str]:
    rows = [{"instruction": f"Tell me of prompt {i}", "output": "a reference"} for i in range(n)]
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return ["dataset=jsonl", f"dataset.path={folder}/data.jsonl"]


def test_a_release_has_its_findings_in_mlflow_and_its_gate_blocks(server: HttpServer, tmp_path: Path) -> None:
    common = ["experiment=release", *data(tmp_path), *model(server), "tracking.uri=sqlite:///mlflow.db"]
    done = run(tmp_path, *common, "hydra.run.dir=out")
    assert done.code == 0, done.text
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["violation_rate/secrets"] == metrics["violation_rate/privacy"] == pytest.approx(100 * 3 / 12)
    database = f"sqlite:///{tmp_path}/mlflow.db"
    (tracked,) = run_of(database, "alpacabench")
    traces = client(database).search_traces(
        locations=[tracked.info.experiment_id], run_id=tracked.info.run_id, max_results=100
    )
    found = [a for trace in traces for a in trace.info.assessments if a.name == "violation/secrets"]
    assert [a.source.source_type for a in found] == ["CODE"] * 12
    assert sorted(a.value for a in found) == [False] * 9 + [True] * 3
    rationales = {a.rationale for a in found if a.value}
    assert rationales == {"aws_access_key: a secret (aws access key)"}, "rule and message, never the secret"
    names = {a.name for trace in traces for a in trace.info.assessments if a.name.startswith("violation/")}
    assert names == {f"violation/{name}" for name in
                     ("refusal", "policy", "privacy", "secrets", "code_safety", "injection")}  # fmt: skip
    gate = alpacabench(
        "gate", tmp_path / "out", "--base", tmp_path / "out", "--margin", 99, "--max-violations", "secrets=0"
    )
    assert gate.returncode == 3 and "secrets: 25% of 12 prompts violate" in gate.stdout, gate.stdout


def test_a_model_that_writes_a_card_and_a_key_is_masked_everywhere_and_not_asked_again(
    server: HttpServer, tmp_path: Path
) -> None:
    common = [*data(tmp_path), *model(server), "checks=[privacy,secrets]", "tracking.redact=[privacy,secrets]",
              "tracking.uri=sqlite:///outputs/mlflow.db"]  # fmt: skip
    first = run(tmp_path, *common, "hydra.run.dir=first")
    assert first.code == 0, first.text
    asked = len(server.requests)
    second = run(tmp_path, *common, "hydra.run.dir=second")
    assert second.code == 0 and len(server.requests) == asked, "the store answers the next run"
    metrics = json.loads((tmp_path / "second" / "metrics.json").read_text())
    assert metrics["n_redacted"] >= 6 and metrics["violation_rate/secrets"] == pytest.approx(25)
    said = [first.text, second.text]
    for command in (["compare", tmp_path / "first", tmp_path / "second", "--html", tmp_path / "compare.html"],
                    ["trust", tmp_path / "first"]):  # fmt: skip
        done = alpacabench(*command)
        assert done.returncode == 0, done.stderr
        said += [done.stdout, done.stderr]
    texts = {"card": CARD, "card in one": CARD.replace(" ", ""), "key": KEY}
    store = tmp_path / "outputs" / "store.db"
    for path in (path for path in tmp_path.rglob("*") if path.is_file() and not path.name.startswith(store.name)):
        content = path.read_bytes()
        assert not [name for name, text in texts.items() if text.encode() in content], path
    assert not [text for text in texts.values() for one in said if text in one]
    assert any(KEY.encode() in path.read_bytes() for path in store.parent.glob(f"{store.name}*")), "the store keeps it"


def test_attacks_that_bring_out_the_system_prompt_are_counted(server: HttpServer, tmp_path: Path) -> None:
    done = run(tmp_path, "experiment=prompt_leakage", *model(server), "tracking=none", "hydra.run.dir=out")
    assert done.code == 0, done.text
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["n_checked/leakage"] == 32
    assert metrics["violation_rate/leakage"] == pytest.approx(100 / 32)
    lines = [json.loads(line) for line in (tmp_path / "out" / "checks.jsonl").read_text().splitlines()]
    (leak,) = [line for line in lines if line["findings"]]
    assert {finding["rule"] for finding in leak["findings"]} == {"canary", "system_prompt"}
    assert "ZX-4417-kestrel" not in (tmp_path / "out" / "report.html").read_text()
