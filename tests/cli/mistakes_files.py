"""The files that the commands of `test_mistakes.py` name."""

from __future__ import annotations

import json
from pathlib import Path


def write(directory: Path) -> None:
    """Write what somebody has at hand who begins: answers, prompts, and directories that are no models."""
    rows = [{"instruction": f"Question {i}?", "output": f"Answer {i}."} for i in range(4)]
    (directory / "object.json").write_text(json.dumps({"data": rows}))
    (directory / "one.json").write_text(json.dumps(rows[0]))
    (directory / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (directory / "bare.jsonl").write_text('{"instruction": "Only a question?"}\n')
    (directory / "comma.jsonl").write_text('{"instruction": "a", "output": "b"},\n')
    (directory / "empty").mkdir()
    (directory / "training" / "checkpoint-20").mkdir(parents=True)
    (directory / "training" / "checkpoint-20" / "config.json").write_text("{}")
