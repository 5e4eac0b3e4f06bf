"""One example of a run as it is tracked: a row of the table of prompts and answers, and the content of one trace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from alpacabench.core.conversation import came
from alpacabench.core.exchange import Step, chat
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
class CallRow:
    """One call of a tool, and what came of it."""

    name: str
    arguments: str
    """The text that the model wrote."""
    text: str
    """What the model was told."""
    came: str
    """In words, with the failure that was injected."""


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
    turn: int = 0
    """Of a dialogue of several turns which one, from 1: each is a row, and all of them are one session."""
    said: Sequence[Mapping[str, Any]] = ()
    """Of such a turn the messages that the model saw."""
    asked: Sequence[str] = ()
    """Of such a turn what the user had said, this turn included."""
    calls: Sequence[CallRow] = ()
    """Of tools before the answer, the turn's in a dialogue."""

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> ExampleRow:
        """Return the row that `dataclasses.asdict` wrote; what an earlier version wrote has no checks and no calls."""
        verdicts = [VerdictRow(**verdict) for verdict in row["verdicts"]]
        checks = [CheckRow(**check) for check in row.get("checks", ())]
        calls = [CallRow(**call) for call in row.get("calls", ())]
        return cls(**row | {"verdicts": verdicts, "checks": checks, "calls": calls})


def example_rows(outcomes: Iterable[Outcome]) -> list[ExampleRow]:
    """Return the tracked part of each outcome, of a dialogue of each turn: the first answer and every verdict."""
    return [row for outcome in outcomes for row in _rows(outcome)]


def request_ids(rows: Iterable[ExampleRow]) -> list[str]:
    """Return what each example is known by in every run: its instruction, and which of several equal ones it is."""
    seen: Counter[str] = Counter()
    found = []
    for row in rows:
        found.append(digest([row.instruction, seen[row.instruction]]))
        seen[row.instruction] += 1
    return found


def request(row: ExampleRow) -> dict[str, Any]:
    """Return what identifies the example: MLflow puts two runs side by side where their requests are equal."""
    return {"messages": [{"role": "user", "content": text} for text in row.asked or (row.instruction,)]}


def drawn(rows: Sequence[ExampleRow], number: int) -> list[ExampleRow]:
    """Return at most this many examples, a uniform draw in their own order.

    The draw depends on the instructions alone, never on answers or verdicts: runs of one data set get the same
    prompts, and a difference of means over them estimates the one over all.
    """
    if number >= len(rows):
        return list(rows)
    names = request_ids(rows)
    ids = [digest([row.instruction, 0]) if row.turn else name for row, name in zip(rows, names, strict=True)]
    chosen = set(list(ids[place] for place in sorted(range(len(rows)), key=lambda place: (ids[place], place)))[:number])
    # A dialogue comes with all of its turns, or not at all.
    taken = [place for place in range(len(rows)) if ids[place] in chosen]
    if len(taken) > number:
        last = max(chosen)
        taken = [place for place in taken if ids[place] != last]
    return [rows[place] for place in taken]


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
        calls=_calls(generation.steps) if generation else (),
    )


def _rows(outcome: Outcome) -> list[ExampleRow]:
    """Return the row of an example; of a dialogue of several turns one for each turn that was asked."""
    whole, example = _row(outcome), outcome.example
    generation = outcome.generations[0] if outcome.generations else None
    if len(example.turns) < 2 or generation is None:
        return [whole]
    ends = {step.turn: step for step in generation.steps}
    last = min(len(ends) + (generation.text is None), len(example.turns))
    script, rows = outcome.prompt.script(None), list[ExampleRow]()
    for turn in range(1, last + 1):
        end, preference = ends.get(turn), outcome.preference_of(turn)
        before = [message for step in generation.steps if step.turn < turn for message in (*step.asked, step.message())]
        asked = outcome.prompt.turns[turn - 1]
        rows.append(
            replace(
                whole,
                prompt=asked,
                reference=example.references[turn - 1] if example.references else None,
                output=end.text if end else None,
                preference=preference,
                verdicts=[_verdict(v) for v in outcome.verdicts if v.pair.turn == turn],
                finish_reason=end.finish_reason if end else "error",
                prompt_tokens=end.prompt_tokens if end else 0,
                completion_tokens=end.completion_tokens if end else 0,
                seconds=end.seconds if end else 0.0,
                failure=None if preference is not None else outcome.failure,
                checks=whole.checks if turn == len(example.turns) else (),
                turn=turn,
                said=chat((*script.opening, *before, ("user", asked))),
                asked=example.turns[:turn],
                calls=_calls(step for step in generation.steps if step.turn == turn),
            )
        )
    return rows


def _calls(steps: Iterable[Step]) -> list[CallRow]:
    return [CallRow(one.name, one.arguments, one.text, came(one)) for step in steps for one in step.results]


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
