"""Conversations with tools, as the page of a run shows them: figures, and each call with what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alpacabench.analysis.estimate import Number
from alpacabench.core.conversation import came
from alpacabench.core.exchange import Step, ToolResult
from alpacabench.core.records import Generation, Outcome
from alpacabench.core.tasks import ending, right

MOST = 40
"""Conversations that are shown; the others are in generations.jsonl."""
LONGEST = 2_000
"""Characters of one text."""
FIGURES = (
    ("Task success, %", "task_success"),
    ("… with credit for each turn, %", "turn_success"),
    ("All samples succeed (pass^k)", "pass_hat_k"),
    ("Calls per conversation", "tool_calls"),
    ("Invalid calls, %", "invalid_call_rate"),
    ("Injected failures", "n_tool_failures"),
    ("Recovery from injected failures, %", "tool_recovery_rate"),
    ("Ended at max_steps, %", "max_steps_rate"),
)
"""Label and metric."""


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call, or what the model said without one."""

    step: int
    said: str
    name: str = ""
    arguments: str = ""
    status: str = ""
    word: str = ""
    result: str = ""


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation."""

    index: int
    sample: int
    instruction: str
    came: str
    """`right`, `wrong`, or empty where nothing is expected."""
    ending: str
    rows: tuple[CallRow, ...]


@dataclass(frozen=True, slots=True)
class ToolUseCard:
    """What the page shows of tools."""

    figures: tuple[tuple[str, Number], ...]
    talks: tuple[Talk, ...]
    more: int
    """Conversations that are not shown."""


def tool_use(outcomes: Sequence[Outcome], metrics: Mapping[str, Number]) -> ToolUseCard | None:
    """Return the card; None for a run without tools. The outcomes are masked already."""
    if "n_tool_failures" not in metrics:
        return None
    held = [(outcome, g) for outcome in outcomes for g in outcome.generations if g.steps]
    # What went wrong is what is read first.
    ordered = sorted(held, key=lambda one: (_came(one[1]) != "wrong", one[0].example.index, one[1].sample))
    figures = tuple((label, value) for label, name in FIGURES if (value := metrics.get(name)) is not None)
    return ToolUseCard(figures, tuple(_talk(*one) for one in ordered[:MOST]), max(len(held) - MOST, 0))


def _talk(outcome: Outcome, generation: Generation) -> Talk:
    rows = [row for number, step in enumerate(generation.steps, start=1) for row in _rows(number, step)]
    example = outcome.example
    return Talk(
        example.index, generation.sample, example.instruction, _came(generation), ending(generation), tuple(rows)
    )


def _came(generation: Generation) -> str:
    found = right(generation)
    return "" if not found else "right" if all(found) else "wrong"


def _rows(number: int, step: Step) -> list[CallRow]:
    said = step.text[:LONGEST]
    if not step.results:
        return [CallRow(number, said)]
    return [_call(number, said if place == 0 else "", result) for place, result in enumerate(step.results)]


def _call(number: int, said: str, result: ToolResult) -> CallRow:
    return CallRow(
        number, said, result.name or "(no name)", result.arguments[:LONGEST], result.status, came(result),
        result.text[:LONGEST],
    )  # fmt: skip
