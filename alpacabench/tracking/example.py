"""One example of a run as it is tracked: a row of the table of prompts and answers, and the content of one trace."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from alpacabench.records import Outcome, Verdict


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

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> ExampleRow:
        """Return the row that `dataclasses.asdict` wrote."""
        return cls(**row | {"verdicts": [VerdictRow(**verdict) for verdict in row["verdicts"]]})


def example_rows(outcomes: Iterable[Outcome]) -> list[ExampleRow]:
    """Return the tracked part of each outcome: the first sample's answer and every verdict."""
    return [_row(outcome) for outcome in outcomes]


def most_informative(rows: Sequence[ExampleRow], number: int) -> list[ExampleRow]:
    """Return `number` rows, in their order: failures, verdicts that disagree and close calls, then the others.

    The others are wins and losses in turn, so that both are seen; ties go by index.
    """
    decided = sorted((row for row in rows if not _notable(row)), key=lambda row: row.index)
    wins = [row for row in decided if (row.preference or 0) > 1.5]
    losses = [row for row in decided if (row.preference or 0) <= 1.5]
    in_turn = sorted([*enumerate(wins), *enumerate(losses)], key=lambda item: item[0])
    notable = sorted((row for row in rows if _notable(row)), key=lambda row: (-_interest(row), row.index))
    chosen = [*notable, *(row for _, row in in_turn)][:number]
    return sorted(chosen, key=lambda row: row.index)


def _notable(row: ExampleRow) -> bool:
    return _interest(row) > 0.5


def _interest(row: ExampleRow) -> float:
    """Return 3 for a failure, else how much the verdicts disagree plus how near the preference is to a draw, 0 to 2."""
    if row.preference is None or row.failure:
        return 3.0
    known = [v.preference for v in row.verdicts if v.preference is not None]
    return (max(known) - min(known) if known else 0.0) + 1 - abs(row.preference - 1.5) * 2


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
    )


def _verdict(verdict: Verdict) -> VerdictRow:
    return VerdictRow(
        verdict.judge, verdict.model_first, verdict.repeat, verdict.preference, verdict.raw, verdict.failure
    )
