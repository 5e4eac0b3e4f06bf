"""What a reader must know before trusting the figures of an ablation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from alpacabench.analysis.ablation.table import AblationTable, Family
from alpacabench.analysis.estimate import count, decimal
from alpacabench.core.sentence import Sentence, every


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A variant of which too few prompts count."""

    name: str
    known: int
    total: int


@dataclass(frozen=True, slots=True)
class Floor:
    """The noise floor."""

    table: AblationTable
    given: int
    """Re-decodes of the unchanged prompts."""


@dataclass(frozen=True, slots=True)
class Differs:
    """What else than the wording differs between variants and the base."""

    difference: str
    names: str


def of_table(table: AblationTable) -> list[str]:
    """Return what the figures themselves warn of."""
    return every(TABLE, table)


def of_floor(floor: Floor) -> list[str]:
    """Return what the noise floor warns of."""
    return every(FLOOR, floor)


def left_out(found: LeftOut) -> list[str]:
    """Return that a variant is left out."""
    return every(LEFT_OUT, found)


def differs(found: Differs) -> list[str]:
    """Return that a variant is of another setting."""
    return every(DIFFERS, found)


def missing(n: int) -> list[str]:
    """Return that prompts lack a verdict in a decode."""
    return every(MISSING, n)


def of_family(family: Family) -> list[str]:
    """Return what the curve of a family warns of."""
    return every(FAMILY, family)


def _moved(table: AblationTable) -> list[float]:
    return [row.slot_flip_share for row in table.rows if row.slot_flip_share is not None]


def _share(table: AblationTable) -> Mapping[str, str]:
    return {"share": decimal(sum(_moved(table)) / len(_moved(table)), 0)}


def _zero(floor: Floor) -> bool:
    table = floor.table
    rate = table.floor_flip_rate
    return bool(table.floors and not table.saturated and rate and rate.value == 0 and table.floor_shift == 0)


TABLE: tuple[Sentence[AblationTable], ...] = (
    Sentence(
        "caution.undecided",
        "The judge is undecided on {share}% of the unchanged prompts: its preference lies between 45% and 55%. "
        "Whatever the model answers, the win rate then stays near 50% and winners flip by next to nothing, so "
        "equivalence and robustness describe the judge, not the model. Judge with one that tells these answers apart.",
        when=lambda table: table.undecided, fields=lambda table: {"share": decimal(table.undecided_share, 0)},
    ),
    Sentence(
        "caution.perturbed",
        "The judge read the perturbed prompts (judge.instruction=perturbed): it compares answers to other questions, "
        "so differences are not the model's alone. alpaca_eval would also show {share}% of the changed prompts in the "
        "other slot; here the slots stay pinned to the original prompt. Judge against the original "
        "(judge.instruction=original).",
        when=lambda table: bool(_moved(table)), fields=_share,
    ),
)  # fmt: skip
FLOOR: tuple[Sentence[Floor], ...] = (
    Sentence(
        "caution.no_floor",
        "There is no noise floor: without re-decodes of the unchanged prompts (variant=floor_1,floor_2,...) flips and "
        "the worst of k cannot be told from chance.",
        when=lambda floor: not floor.given,
    ),
    Sentence(
        "caution.unknown_floor",
        "The noise floor is not known: fewer than two prompts have a verdict in every decode of the unchanged prompts.",
        when=lambda floor: bool(floor.given) and not floor.table.floors,
    ),
    Sentence(
        "caution.zero_floor",
        "The noise floor is zero: decoding again gave the same winners and win rate, as greedy decoding does, or where "
        "no verdict hangs on the words. Every change then counts as an effect of the wording.",
        when=_zero,
    ),
)  # fmt: skip
LEFT_OUT: tuple[Sentence[LeftOut], ...] = (
    Sentence(
        "caution.left_out",
        "{name} is left out: only {known} of {total} prompts have verdicts and still ask for the same task.",
        when=lambda found: found.known < 2,
        fields=lambda found: {"name": found.name, "known": found.known, "total": count(found.total)},
    ),
)  # fmt: skip
DIFFERS: tuple[Sentence[Differs], ...] = (
    Sentence(
        "caution.differs", "Not the same setting as the base, {difference} ({names}).", when=lambda found: True,
        fields=lambda found: {"difference": found.difference, "names": found.names},
    ),
)  # fmt: skip
MISSING: tuple[Sentence[int], ...] = (
    Sentence(
        "caution.missing",
        "{n} prompts lack a verdict in a decode of the unchanged prompts, and are left out there.",
        when=lambda n: n > 0, fields=lambda n: {"n": count(n)},
    ),
)  # fmt: skip
FAMILY: tuple[Sentence[Family], ...] = (
    Sentence(
        "caution.dose",
        "{family}: the response to its strength both rises and falls, each beyond chance. More of an edit should not "
        "help after it hurt: look at its prompts before believing the curve.",
        when=lambda family: bool(family.dose and family.dose.non_monotone),
        fields=lambda family: {"family": family.name}, error=0.05,
    ),
)  # fmt: skip
