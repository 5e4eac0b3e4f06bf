"""What is said of a dialogue's turns; everything else counts a dialogue as one prompt."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from alpacabench.core.records import Outcome


def by_turn(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Return the win rate of each turn in per cent, over all dialogues that have a verdict on it.

    Empty where no dialogue has more than one turn.
    """
    most = max((len(outcome.example.turns) for outcome in outcomes), default=0)
    found: dict[str, float] = {}
    for turn in range(1, most + 1) if most > 1 else ():
        known = [p for outcome in outcomes if (p := outcome.preference_of(turn)) is not None]
        if known:
            found[f"win_rate/turn_{turn}"] = (fmean(known) - 1) * 100
    return found


def answer_length(outcome: Outcome) -> float:
    """Return the mean length of an example's answers in characters: of its samples, and of a dialogue's turns."""
    return fmean(len(text) for g in outcome.generations if g.text is not None for text in g.answers)


def reference_length(outcome: Outcome) -> float:
    """Return the length of the reference answer in characters, of a dialogue the mean over its turns."""
    example = outcome.example
    return fmean(map(len, example.references or (example.reference or "",)))
