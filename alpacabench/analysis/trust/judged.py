"""Single verdicts of a finished run, by judge."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alpacabench.analysis.finished_run import KEY, FinishedRun
from alpacabench.analysis.locate import locate
from alpacabench.io.rows import Row, read_preference, read_rows
from alpacabench.scoring.arrays import Floats


@dataclass(frozen=True, slots=True)
class Judged:
    """One verdict."""

    prompt: int
    """The row number of its prompt."""
    y: float
    """1 where the model wins, 0 where the reference does; NaN where the verdict is missing."""
    model_first: bool | None
    """None where it is not told."""
    sample: int = 0
    turn: int = 0
    """Of a dialogue the turn, from 1."""
    repeat: int = 0
    longer: int = 0
    """1 where the model's answer is the longer one, -1 where the reference's is, 0 where neither or not known."""
    key: str = ""
    """The store's; empty where nobody asked for the verdict."""
    canary: str = ""
    """The kind of a pair with a known answer, of which y is how far the answer wins that must not; else empty."""


ByJudge = dict[str, list[Judged]]


def by_judge(run: FinishedRun, tracking_uri: str | None = None) -> ByJudge:
    """Return the run's verdicts by judge, each member of a panel its own; from the annotations where it has no others.

    Raises:
        DataError: a verdict that cannot be used; names the file and the row.

    """
    with locate(run.origin, tracking_uri) as files:
        return of_rows(run, *_read(files.verdicts))


def means(run: FinishedRun, verdicts: Sequence[Judged]) -> Floats:
    """Return a judge's mean y by prompt, shape (prompts,), in the run's order; NaN where there is no verdict."""
    by_prompt: dict[int, list[float]] = defaultdict(list)
    for verdict in verdicts:
        if not math.isnan(verdict.y):
            by_prompt[verdict.prompt].append(verdict.y)
    return np.array([mean(by_prompt[i.index]) if by_prompt[i.index] else np.nan for i in run.items.values()])


def canaries_by_judge(run: FinishedRun, tracking_uri: str | None = None) -> ByJudge:
    """Return the verdicts on pairs with a known answer by judge; empty where there were none.

    Raises:
        DataError: a verdict that cannot be used; names the file and the row.

    """
    with locate(run.origin, tracking_uri) as files:
        return _by_judge(run, *_read(files.canaries))


def of_rows(run: FinishedRun, rows: Iterable[Row], where: str) -> ByJudge:
    """Return the verdicts of rows of verdicts.jsonl by judge; from the run's annotations where there are none."""
    return _by_judge(run, rows, where) or {run.judge: _of_annotations(run)}


def mean(values: Sequence[float]) -> float:
    """Return the mean; of the usual single verdict without the cost of an array."""
    return values[0] if len(values) == 1 else float(np.mean(values))


def _read(file: Path | None) -> tuple[list[Row], str]:
    """Return a file's rows, none without a file, and how messages name it."""
    return (read_rows(file, KEY) if file else []), f"{KEY}: {file}"


def _by_judge(run: FinishedRun, rows: Iterable[Row], where: str) -> ByJudge:
    found: ByJudge = defaultdict(list)
    for number, row in enumerate(rows, start=1):
        found[str(row.get("judge") or run.judge)].append(_judged(row, f"{where}, row {number}"))
    return dict(found)


def _judged(row: Row, where: str) -> Judged:
    y = read_preference(row.get("preference"), where) - 1
    slot = row.get("slot")
    model, reference = row.get("len_model"), row.get("len_reference")
    return Judged(
        prompt=_whole(row.get("item_id")),
        y=y,
        model_first=slot == "model_first" if slot in ("model_first", "model_second") else None,
        sample=_whole(row.get("sample")),
        turn=_whole(row.get("turn")),
        repeat=_whole(row.get("repeat")),
        longer=_sign(model, reference) if isinstance(model, int) and isinstance(reference, int) else 0,
        key=str(row.get("key") or ""),
        canary=str(row.get("canary") or ""),
    )


def _of_annotations(run: FinishedRun) -> list[Judged]:
    return [
        Judged(
            item.index,
            item.preference - 1 if not math.isnan(item.preference) else math.nan,
            item.slots[0] if item.slots and len(item.slots) == 1 else None,
            longer=0 if item.output is None or item.reference is None else _sign(len(item.output), len(item.reference)),
        )
        for item in run.items.values()
    ]


def _sign(model: int, reference: int) -> int:
    return (model > reference) - (model < reference)


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
