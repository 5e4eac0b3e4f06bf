"""Traces that wait until the results are shown: a hidden file in the job's directory, removed once they are written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from alpacabench.tracking.example import ExampleRow
from alpacabench.tracking.redact import redact_tree

PENDING = ".traces.json"


@dataclass(frozen=True, slots=True)
class Pending:
    """The traces of one run, not yet written."""

    path: Path
    run_id: str
    experiment: str
    """The experiment's id."""
    ended_ms: int
    examples: Sequence[ExampleRow]


def leave(directory: Path, run_id: str, experiment: str, ended_ms: int, examples: Sequence[ExampleRow]) -> None:
    """Leave traces to be written by `follow_up`."""
    rows = [redact_tree(asdict(row)) for row in examples]
    content = {"run_id": run_id, "experiment": experiment, "ended_ms": ended_ms, "examples": rows}
    text = json.dumps(content, ensure_ascii=False)
    (directory / PENDING).write_text(text, encoding="utf-8", errors="surrogatepass")


def pending(directory: Path) -> Iterator[Pending]:
    """Yield what waits in this directory and in those below."""
    for path in sorted(directory.rglob(PENDING)):
        content = json.loads(path.read_text(encoding="utf-8", errors="surrogatepass"))
        examples = [ExampleRow.from_json(row) for row in content.pop("examples")]
        yield Pending(path=path, examples=examples, **content)
