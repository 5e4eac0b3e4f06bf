"""Files of finished runs for the commands that read them, and the command itself as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alpacabench.judge.slot import model_first

ROOT = Path(__file__).resolve().parents[2]
JUDGE, REFERENCE = "weighted_alpaca_eval_gpt4_turbo", "gpt4_1106_preview"


def instructions(n: int) -> list[str]:
    return [f"Prompt number {i}: name a colour." for i in range(n)]


def annotation_rows(
    preferences: Sequence[float | None], generator: str = "model", **changed: Any
) -> list[dict[str, Any]]:
    """Return rows as alpaca_eval writes them, with answers of differing lengths."""
    return [
        {
            "instruction": text, "output_1": "reference " + "r" * (5 * i % 40), "generator_1": REFERENCE,
            "dataset": "own", "output_2": "answer " + "a" * (7 * i % 60), "generator_2": generator, "annotator": JUDGE,
            "preference": preference,
        } | changed
        for i, (text, preference) in enumerate(zip(instructions(len(preferences)), preferences, strict=True))
    ]  # fmt: skip


def write_annotations(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def write_run(
    folder: Path,
    preferences: Sequence[float | None],
    judge: dict[str, Any] | None = None,
    seed: int = 0,
    **changed: Any,
) -> Path:
    """Write a run directory as the pipeline does: annotations, verdicts, generations, metrics, configuration."""
    rows = annotation_rows(preferences, **changed)
    for index, row in enumerate(rows):
        row |= {"index": index, "category": "ideas", "failure": None if row["preference"] else "no verdict"}
    write_annotations(folder / "annotations.json", rows)
    slots = ["model_first" if model_first(row["instruction"], seed) else "model_second" for row in rows]
    verdicts = [{"item_id": i, "slot": slot, "len_model": len(rows[i]["output_2"])} for i, slot in enumerate(slots)]
    answers = [{"item_id": i, "sample": 0, "finish_reason": "stop"} for i in range(len(rows))]
    for name, lines in (("verdicts.jsonl", verdicts), ("generations.jsonl", answers)):
        (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    (folder / "metrics.json").write_text(json.dumps({"win_rate": 50.0}), encoding="utf-8")
    (folder / ".hydra").mkdir()
    settings: dict[str, Any] = {"_target_": "alpacabench.judge.Longest", "order": "seeded", "seed": seed}
    settings |= {"template": None, "temperature": 0.0, "concurrency": 8} | (judge or {})
    (folder / ".hydra" / "config.yaml").write_text(json.dumps({"judge": settings}), encoding="utf-8")
    return folder


def alpacabench(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "alpacabench.cli", *map(str, arguments)]
    env = os.environ | {"COLUMNS": "120"} | environment
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env, timeout=120)
