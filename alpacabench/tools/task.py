"""Whether a conversation did what its row expects: an answer, calls, or both, for the whole or for each turn.

{"instruction": ..., "expected": {"answer": "42", "calls": [{"name": "calculator", "arguments": {...}}]}}
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from alpacabench.core.exchange import Step, ToolResult
from alpacabench.tools.base import Row

RELATIVE = 1e-6
"""Two numbers are equal where they differ by no more than this share."""
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w])")


class Call(BaseModel):
    """One call that is expected."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Those that are given must be equal; others are free."""


class Expected(BaseModel):
    """What a conversation, or one of its turns, must come to; what is absent is not asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    answer: tuple[str, ...] | None = None
    """One of these must stand in the last answer: a number as a number, a text between word boundaries."""
    calls: tuple[Call, ...] | None = None
    """Each must have been made and have had a result, in any order, among others; none at all where it is empty."""

    @field_validator("answer", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        several = value if isinstance(value, list | tuple) else [value]
        return None if value is None else tuple(_as_text(one) for one in several)


def expectations(row: Row) -> list[Expected | None]:
    """Return what a row expects: one for the whole conversation, or one a turn (null: nothing); none without.

    Raises:
        ValueError: `expected` is in no form that is known.

    """
    given = row.get("expected")
    if given is None:
        return []
    several = given if isinstance(given, list) else [given]
    if not all(one is None or (isinstance(one, Mapping) and one) for one in several):
        raise ValueError(
            f"'expected' is {given!r:.80}; an object with 'answer', 'calls' or both is needed, or a list of them, one "
            "a turn"
        )
    return [None if one is None else Expected.model_validate(dict(one)) for one in several]


def turns_right(row: Row, steps: Sequence[Step], turns: int) -> Iterator[bool]:
    """Yield whether each turn for which something is expected came to it; what was never reached did not.

    An expectation of the whole conversation reads its last answer and all its calls. A conversation that ended with
    calls, since it had no steps left, has no answer.
    """
    given = expectations(row)
    whole = not isinstance(row.get("expected"), list)
    for number, expected in enumerate(given, start=1):
        if expected is not None:
            own = list(steps) if whole else [step for step in steps if step.turn == number]
            reached = bool(own) and not own[-1].tool_calls and (not whole or own[-1].turn == turns)
            yield reached and _came_to(expected, own)


def _came_to(expected: Expected, steps: Sequence[Step]) -> bool:
    said = expected.answer is None or any(holds(steps[-1].text, answer) for answer in expected.answer)
    made = [result for step in steps for result in step.results]
    return said and (expected.calls is None or calls_made(expected.calls, made))


def calls_made(expected: Sequence[Call], made: Sequence[ToolResult]) -> bool:
    """Return whether each expected call was made, each by a call of its own; where none is, whether none was made."""
    if not expected:
        return not made
    left = [(result.name, _object(result.arguments)) for result in made if result.status == "ok"]
    for call in expected:
        found = next((i for i, (name, given) in enumerate(left) if name == call.name and _fits(call, given)), None)
        if found is None:
            return False
        del left[found]
    return True


def holds(text: str, answer: str) -> bool:
    """Return whether a text holds an answer: as a number where it is one, else as words, whatever their case."""
    if (wanted := _number(answer)) is not None:
        return any(_equal(wanted, found) for found in map(_number, _NUMBER.findall(text)) if found is not None)
    plain, words = (" ".join(one.casefold().split()) for one in (text, answer))
    return bool(words) and re.search(rf"(?<!\w){re.escape(words)}(?!\w)", plain) is not None


def _fits(call: Call, given: Mapping[str, Any]) -> bool:
    return all(name in given and _equal(value, given[name]) for name, value in call.arguments.items())


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=RELATIVE)
    if isinstance(one, str) and isinstance(other, str):
        return " ".join(one.split()) == " ".join(other.split())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    return bool(one == other)


def _number(text: str) -> float | None:
    try:
        return float(text.strip().replace(",", "")) if _NUMBER.fullmatch(text.strip()) else None
    except (ValueError, OverflowError):
        return None


def _object(arguments: str) -> Mapping[str, Any]:
    try:
        given = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
