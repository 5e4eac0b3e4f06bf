"""The explorer of finished runs, from their files."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alpacabench.analysis.checked_answers import must_be_masked, span_of
from alpacabench.analysis.explorer.content import Answered, Explorer, Flag, Row
from alpacabench.analysis.finished_run import FinishedRun, Item
from alpacabench.analysis.locate import locate
from alpacabench.checks.spans import Masked, Span, masked
from alpacabench.core.conversation import Conversation, is_conversation, of_steps
from alpacabench.core.exchange import Step, ToolResult
from alpacabench.core.records import Example
from alpacabench.dataset.taxonomy import label
from alpacabench.io.rows import Row as FileRow
from alpacabench.io.rows import read_rows

Named = tuple[str, FinishedRun]


@dataclass(slots=True)
class _Told:
    """What the files beside the annotations tell of one prompt."""

    verdicts: list[tuple[bool | None, float | None]] = field(default_factory=list)
    texts: dict[int, str] = field(default_factory=dict)
    before: dict[int, Conversation] = field(default_factory=dict)
    """Of each sample that is a conversation its whole."""
    finish_reason: str = ""
    prompt: str | None = None
    failure: str = ""
    findings: list[tuple[int, str, dict[str, Any], bool]] = field(default_factory=list)
    """Sample, check, finding, and whether its span must not be shown."""


def of_runs(
    title: str, named: Sequence[Named], base: int, links: Mapping[str, str], tracking_uri: str | None = None
) -> Explorer:
    """Return what the page of several runs shows: every prompt of any of them, in the first one's order.

    Args:
        title: of the page.
        named: the runs with what they are called.
        base: which of them the others are compared with.
        links: word to address.
        tracking_uri: where MLflow runs are.

    """
    told = [_told(run, tracking_uri) for _, run in named]
    items: dict[str, Item] = {}
    for _, run in named:
        items |= {text: item for text, item in run.items.items() if text not in items}
    rows = [
        Row(
            item.index, text, item.reference, item.source, item.category or label(text),
            tuple(_answered(run.items.get(text), files) for (_, run), files in zip(named, told, strict=True)),
        )
        for text, item in items.items()
    ]  # fmt: skip
    first = named[base][1]
    checks = dict.fromkeys(name for _, run in named for name in run.checked)
    return Explorer(title, [name for name, _ in named], first.reference, first.judge, rows, base, list(checks), links)


def of_answers(
    title: str, named: Sequence[tuple[str, Path]], examples: Sequence[Example], links: Mapping[str, str]
) -> Explorer:
    """Return what the page of several runs that nobody judged shows.

    Args:
        title: of the page.
        named: the runs' directories with what they are called.
        examples: the data set of all of them.
        links: word to address.

    """
    told = [_told_by(None, path / "generations.jsonl", _there(path / "checks.jsonl")) for _, path in named]
    asked = [example for example in examples if any(example.index in files for files in told)]
    rows = [
        Row(
            one.index, one.instruction, one.reference, one.source, one.category or label(one.instruction),
            tuple(_answered(_unjudged(one, files[one.index]), files) if one.index in files else None for files in told),
        )
        for one in asked
    ]  # fmt: skip
    checks = dict.fromkeys(check for files in told for one in files.values() for _, check, _, _ in one.findings)
    reference = asked[0].reference_generator if asked else ""
    return Explorer(title, [name for name, _ in named], reference, "none", rows, 0, list(checks), links)


def _there(path: Path) -> Path | None:
    return path if path.is_file() else None


def _unjudged(example: Example, told: _Told) -> Item:
    length = sum(map(len, told.texts.values())) / len(told.texts) if told.texts else None
    return Item(example.index, example.instruction, math.nan, reference=example.reference, length=length)


def _told(run: FinishedRun, tracking_uri: str | None) -> dict[int, _Told]:
    with locate(run.origin, tracking_uri) as files:
        return _told_by(files.verdicts, files.generations, files.checks)


def _told_by(verdicts: Path | None, generations: Path | None, checks: Path | None) -> dict[int, _Told]:
    found: dict[int, _Told] = defaultdict(_Told)
    for row in _rows(verdicts):
        _add_verdict(found[row["item_id"]], row)
    for row in _rows(generations):
        _add_answer(found[row["item_id"]], row)
    for row in _rows(checks):
        hidden = must_be_masked(row)
        of_row = [one for one in row.get("findings") or () if isinstance(one, dict)]
        found[row["item_id"]].findings += [(_sample(row), str(row.get("check")), one, hidden) for one in of_row]
    return found


def _rows(path: Path | None) -> list[FileRow]:
    return [row for row in read_rows(path, "RUN") if isinstance(row.get("item_id"), int)] if path else []


def _add_verdict(told: _Told, row: FileRow) -> None:
    preference, slot = row.get("preference"), row.get("slot")
    score = (preference - 1) * 100 if isinstance(preference, int | float) else None
    told.verdicts.append((slot == "model_first" if slot else None, score))


def _add_answer(told: _Told, row: FileRow) -> None:
    if isinstance(row.get("output"), str):
        told.texts[_sample(row)] = row["output"]
        if isinstance(rows := row.get("steps"), list) and is_conversation(steps := [_step(row) for row in rows]):
            told.before[_sample(row)] = of_steps(steps)
    told.finish_reason = told.finish_reason or str(row.get("finish_reason") or "")
    told.prompt = told.prompt or row.get("prompt")
    told.failure = told.failure or str(row.get("failure") or "")


def _sample(row: FileRow) -> int:
    return row["sample"] if isinstance(row.get("sample"), int) else 0


def _answered(item: Item | None, files: Mapping[int, _Told]) -> Answered | None:
    if item is None:
        return None
    told = files.get(item.index) or _Told()
    texts = told.texts or ({} if item.output is None else {0: item.output})
    samples = range(max(texts, default=-1) + 1)
    hidden = {sample: masked(texts.get(sample, ""), _spans(told, sample)) for sample in samples}
    if not told.texts and item.output is not None:
        hidden[0] = masked(item.output, item.hidden)
    whole = {s: told.before[s].answering(hidden[s].text) for s in samples if s in told.before}
    return Answered(
        score=None if math.isnan(item.preference) else (item.preference - 1) * 100,
        texts=tuple(whole[s].text if s in whole else hidden[s].text for s in samples),
        length=item.length,
        finish_reason=item.finish_reason or told.finish_reason,
        failure=told.failure,
        verdicts=tuple(told.verdicts),
        flags=tuple(
            _flag(sample, check, one, hidden.get(sample), whole[sample].answer[0] if sample in whole else 0)
            for sample, check, one, _ in told.findings
        ),
        parts=tuple(whole[s].parts if s in whole else () for s in samples) if whole else (),
        shown=None if told.prompt in (None, item.instruction) else told.prompt,
    )


def _step(row: Mapping[str, Any]) -> Step:
    """Return what was said in one of the steps of a row of generations."""
    asked = ((str(message.get("role")), str(message.get("content") or "")) for message in row.get("asked") or ())
    results = tuple(_result(result) for result in row.get("results") or ())
    return Step(tuple(asked), str(row.get("output") or ""), results=results)


def _result(row: Mapping[str, Any]) -> ToolResult:
    """Return a call and what came of it, as far as the row tells."""
    known: dict[str, Any] = {name: str(row[name]) for name in _OF_A_CALL if row.get(name)}
    return ToolResult(**{"id": "", "name": "", "arguments": "", **known})


_OF_A_CALL = ("id", "name", "arguments", "text", "status", "injected")


def _spans(told: _Told, sample: int) -> list[Span]:
    found = (span_of(check, one) for of, check, one, hidden in told.findings if hidden and of == sample)
    return [span for span in found if span]


def _flag(sample: int, check: str, found: Mapping[str, Any], text: Masked | None, before: int) -> Flag:
    start = end = None
    if text is not None and _placed(found):
        start = before + text.at(found["start"])
        end = max(start, before + text.at(found["end"]))
    return Flag(check, str(found.get("rule") or ""), str(found.get("message") or ""), sample, start, end)


def _placed(found: Mapping[str, Any]) -> bool:
    return isinstance(found.get("start"), int) and isinstance(found.get("end"), int)
