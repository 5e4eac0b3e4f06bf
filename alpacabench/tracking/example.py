"""One example of a run as it is tracked: a row of the table of prompts and answers, and the content of one trace."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from alpacabench.core.records import Outcome, Verdict, digest


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


def informative(runs: Sequence[Sequence[ExampleRow]], number: int | Literal["all"]) -> set[str]:
    """Return the instructions of the `number` examples that say most, the same for all these runs.

    Half of them are failures, verdicts that disagree, prompts that the runs decide differently, and close calls; the
    other half is a draw that depends on nothing but the instruction, so that runs of other days share it.
    """
    rows: dict[str, list[ExampleRow]] = defaultdict(list)
    for run in runs:
        for row in run:
            rows[row.instruction].append(row)
    if number == "all" or number >= len(rows):
        return set(rows)
    drawn = sorted(rows, key=digest)
    telling = sorted(drawn, key=lambda text: -_interest(rows[text]))[: (number + 1) // 2]
    others = [text for text in drawn if text not in set(telling)]
    return {*telling, *others[: number - len(telling)]}


def _interest(rows: Sequence[ExampleRow]) -> float:
    """Return 3 where a run has a failure, else how far verdicts and runs disagree and how near they are to a draw."""
    means = [row.preference for row in rows if row.preference is not None]
    if len(means) < len(rows) or any(row.failure for row in rows):
        return 3.0
    single = [[v.preference for v in row.verdicts if v.preference is not None] for row in rows]
    within = max(max(known) - min(known) if known else 0.0 for known in single)
    return within + max(means) - min(means) + 1 - min(abs(mean - 1.5) for mean in means) * 2


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
