"""A row of annotations that is about a dialogue: both sides whole, and how long their answers are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from alpacabench.checks.spans import Span
from alpacabench.core.conversation import of_turns


@dataclass(frozen=True)
class Sides:
    """What the two sides said; of an ordinary prompt their answers."""

    output: str | None
    reference: str | None
    answer_at: int
    """Where the last answer begins in `output`."""
    length: float | None
    """Characters of an answer, of a dialogue the mean over its turns."""
    reference_length: float | None


def sides_of(row: Mapping[str, Any], output: str | None, reference: str | None) -> Sides:
    """Return both sides of a row; a dialogue of several turns stands in them with what the user said."""
    lengths = _length(row.get("outputs_2"), output), _length(row.get("outputs_1"), reference)
    turns, at = row.get("turns"), 0
    if isinstance(turns, list) and len(turns) > 1:
        if output is not None and row.get("outputs_2"):
            whole = of_turns(turns, row["outputs_2"])
            output, at = whole.text, whole.answer[0]
        if reference is not None and row.get("outputs_1"):
            reference = of_turns(turns, row["outputs_1"]).text
    return Sides(output, reference, at, *lengths)


def moved(spans: Sequence[Span], by: int) -> tuple[Span, ...]:
    """Return spans of an answer that begins further behind."""
    return tuple(Span(span.start + by, span.end + by, span.mask) for span in spans)


def _length(by_turn: Any, text: str | None) -> float | None:
    if isinstance(by_turn, list) and by_turn and all(isinstance(one, str) for one in by_turn):
        return fmean(map(len, by_turn))
    return None if text is None else float(len(text))
