"""One example of a run as it is tracked: a row of the table of prompts and answers, and the content of one trace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from alpacabench.core.records import Checked, Outcome, Verdict, digest

SHOWN = 20
"""Findings of one check on one answer; the others are in checks.jsonl."""


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """One verdict of an example."""

    judge: str
    model_first: bool
    repeat: int
    preference: float | None
    raw: Any
    """The judge's raw completion."""
    failure: str | None


@dataclass(frozen=True, slots=True)
class CheckRow:
    """What one check found in the answer: rules and messages, never the text, which may be what must not be shown."""

    check: str
    violates: bool
    findings: Sequence[str]
    failure: str | None


@dataclass(frozen=True, slots=True)
class ExampleRow:
    """One prompt, its answer and its verdicts."""

    index: int
    instruction: str
    prompt: str
    """The text that the model saw."""
    system: str | None
    reference: str | None
    reference_generator: str
    output: str | None
    generator: str
    preference: float | None
    """In [1, 2]; 2 is a win of the model."""
    verdicts: Sequence[VerdictRow]
    source: str
    category: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    failure: str | None
    checks: Sequence[CheckRow] = ()
    """On the answer, the first sample's."""

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> ExampleRow:
        """Return the row that `dataclasses.asdict` wrote; what an earlier version wrote has no checks."""
        verdicts = [VerdictRow(**verdict) for verdict in row["verdicts"]]
        return cls(**row | {"verdicts": verdicts, "checks": [CheckRow(**check) for check in row.get("checks", ())]})


def example_rows(outcomes: Iterable[Outcome]) -> list[ExampleRow]:
    """Return the tracked part of each outcome: the first sample's answer and every verdict."""
    return [_row(outcome) for outcome in outcomes]


def request_ids(rows: Iterable[ExampleRow]) -> list[str]:
    """Return what each example is known by in every run: its instruction, and which of several equal ones it is."""
    seen: Counter[str] = Counter()
    found = []
    for row in rows:
        found.append(digest([row.instruction, seen[row.instruction]]))
        seen[row.instruction] += 1
    return found


def drawn(rows: Sequence[ExampleRow], number: int) -> list[ExampleRow]:
    """Return at most this many examples, a uniform draw in their own order.

    The draw depends on the instructions alone, never on answers or verdicts: runs of one data set get the same
    prompts, and a difference of means over them estimates the one over all.
    """
    if number >= len(rows):
        return list(rows)
    chosen = sorted(zip(request_ids(rows), range(len(rows)), strict=True))[:number]
    return [rows[place] for place in sorted(place for _, place in chosen)]


def _row(outcome: Outcome) -> ExampleRow:
    generation = outcome.generations[0] if outcome.generations else None
    return ExampleRow(
        index=outcome.example.index,
        instruction=outcome.example.instruction,
        prompt=outcome.prompt.text,
        system=outcome.prompt.system,
        reference=outcome.example.reference,
        reference_generator=outcome.example.reference_generator,
        output=outcome.output,
        generator=generation.generator if generation else "",
        preference=outcome.preference,
        verdicts=[_verdict(verdict) for verdict in outcome.verdicts],
        source=outcome.example.source,
        category=outcome.example.category,
        finish_reason=generation.finish_reason if generation else "error",
        prompt_tokens=generation.prompt_tokens if generation else 0,
        completion_tokens=generation.completion_tokens if generation else 0,
        seconds=generation.seconds if generation else 0.0,
        failure=outcome.failure,
        checks=[_check(one) for one in outcome.checked if generation and one.sample == generation.sample],
    )


def _check(checked: Checked) -> CheckRow:
    shown = [f"{finding.rule}: {finding.message}" for finding in checked.findings[:SHOWN]]
    more = len(checked.findings) - len(shown)
    return CheckRow(
        checked.check, bool(checked.findings), shown + ([f"and {more} more"] if more else []), checked.failure
    )


def _verdict(verdict: Verdict) -> VerdictRow:
    return VerdictRow(
        verdict.judge, verdict.model_first, verdict.repeat, verdict.preference, verdict.raw, verdict.failure
    )
