"""What a leaderboard says of a run: its place, and that a subset has only the place of a subset."""

from __future__ import annotations

from dataclasses import dataclass

from alpacabench.core.sentence import Sentence, every, first


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run stands among the rows of a leaderboard."""

    name: str
    rank: int
    best: int
    worst: int
    """Ranks at the ends of its 95% interval."""
    n: int
    """Rows."""


@dataclass(frozen=True, slots=True)
class Judged:
    """How many of the prompts of the published rows a run has a verdict for, and how its judge is known."""

    name: str
    n: int
    most: int
    by_label: bool = False
    """Whether nothing but its label tells who judged."""


def place(standing: Standing) -> str:
    """Return 'place 12 (10 to 15) of 225'."""
    return first(PLACES, standing)


def notes(judged: Judged) -> list[str]:
    """Return what a reader must know beside the place."""
    return every(NOTES, judged)


PLACES: tuple[Sentence[Standing], ...] = (
    Sentence(
        "board.place", "place {rank} ({best} to {worst}) of {n}", when=lambda standing: True,
        fields=lambda standing: {
            "rank": standing.rank, "best": standing.best, "worst": standing.worst, "n": standing.n
        },
    ),
)  # fmt: skip
NOTES: tuple[Sentence[Judged], ...] = (
    Sentence(
        "board.subset", "{name} has {n} of {most} prompts: its place is that of a subset",
        when=lambda judged: judged.n < judged.most,
        fields=lambda judged: {"name": judged.name, "n": judged.n, "most": judged.most},
    ),
    Sentence(
        "board.label", "{name} does not tell what its judge was asked: it is known by its label alone",
        when=lambda judged: judged.by_label, fields=lambda judged: {"name": judged.name},
    ),
)  # fmt: skip
