"""Jobs to be tracked, and what is found of them in MLflow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from alpacabench.tracking.base import JobRecord
from alpacabench.tracking.example import ExampleRow, VerdictRow

DEAD = "http://127.0.0.1:9"


def example(index: int, *preferences: float | None, failure: str | None = None) -> ExampleRow:
    known = [p for p in preferences if p is not None]
    return ExampleRow(
        index=index, instruction=f"Question {index}?", prompt=f"question {index}?", system=None, reference="R",
        reference_generator="gpt", output="A", generator="m", preference=sum(known) / len(known) if known else None,
        verdicts=[VerdictRow("judge", i % 2 == 0, 0, p, {"raw": 1}, failure) for i, p in enumerate(preferences)],
        source="s", category="c", finish_reason="stop", prompt_tokens=3, completion_tokens=4, seconds=0.5,
        failure=failure,
    )  # fmt: skip


def job(directory: Path, identity: str = "a" * 64, **changes: Any) -> JobRecord:
    (directory / "metrics.json").write_text('{"win_rate": 50.0}')
    record = JobRecord(
        name="a job", identity=identity, directory=directory, params={"judge": "longest", "long": "x" * 9000},
        tags={"mlflow.runType": "genai_evaluate"}, config="judge: longest\n", started=1000.0, ended=1002.0,
        dataset={"name": "d", "source": "s", "licence": "MIT", "digest": "f" * 64, "rows": 3},
        metrics={"win_rate": 50.0, "undefined": float("nan"), **{f"m{i}": float(i) for i in range(1100)}},
        files=[directory / "metrics.json"], examples=[example(0, 1.0, 2.0), example(1, 1.9), example(2, None)],
    )  # fmt: skip
    return replace(record, **changes)


def client(where: str) -> Any:
    from alpacabench.tracking.client import connect

    return connect(where)


def run_of(where: str, experiment: str) -> list[Any]:
    found = client(where).get_experiment_by_name(experiment)
    return list(client(where).search_runs([found.experiment_id])) if found else []
