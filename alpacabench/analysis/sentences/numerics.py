"""What is said of runs whose models computed in other numbers: what the numerics do alone, or that none can tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alpacabench.analysis.estimate import Estimate
from alpacabench.core.sentence import Sentence, every


@dataclass(frozen=True, slots=True)
class Alone:
    """A change of numerics between jobs that differ in nothing else."""

    change: str
    effect: Estimate
    """In points of win rate."""


@dataclass(frozen=True, slots=True)
class Mixed:
    """What runs differ in: dtype, quantisation, backend or device."""

    values: Mapping[str, Sequence[str]]
    of_two: bool = False
    """Whether it is of a pair of runs; else of a sweep."""
    only: bool = False
    """Whether the two differ in nothing else."""
    alone: tuple[Alone, ...] = ()


def findings(mixed: Sequence[Mixed]) -> list[str]:
    """Return what is to be said."""
    return [sentence for one in mixed for sentence in every(MIXED, one)]


def _fields(mixed: Mixed) -> dict[str, str]:
    return {
        "values": "; ".join(f"{key}: {' and '.join(values)}" for key, values in mixed.values.items()),
        "effects": "; ".join(f"{one.change}, {one.effect.text(signed=True)} points" for one in mixed.alone),
    }


MIXED: tuple[Sentence[Mixed], ...] = (
    Sentence(
        "numerics.alone",
        "The jobs differ in numerics ({values}). Between jobs that differ in nothing else that makes: {effects}.",
        when=lambda mixed: not mixed.of_two and bool(mixed.alone), fields=_fields,
    ),
    Sentence(
        "numerics.unknown",
        "The jobs differ in numerics ({values}): how much of a difference between them is the numerics' cannot be "
        "told, since no two jobs differ in nothing else.",
        when=lambda mixed: not mixed.of_two and not mixed.alone, fields=_fields,
    ),
    Sentence(
        "numerics.pair_only",
        "The runs differ in numerics ({values}), and by their configurations in nothing else: beyond chance the "
        "difference is the numerics'.",
        when=lambda mixed: mixed.of_two and mixed.only, fields=_fields,
    ),
    Sentence(
        "numerics.pair_unknown",
        "The runs differ in numerics ({values}), and in more: how much of the difference is the numerics' cannot be "
        "told from these two.",
        when=lambda mixed: mixed.of_two and not mixed.only, fields=_fields,
    ),
)  # fmt: skip
