"""What a reader must know before trusting the figures of an ablation."""

from __future__ import annotations

from collections.abc import Iterator

from alpacabench.analysis.ablation.outcomes import Outcomes
from alpacabench.analysis.ablation.table import AblationTable
from alpacabench.analysis.ablation.variant import System
from alpacabench.analysis.compatible import differences
from alpacabench.analysis.estimate import count, decimal


def cautions(system: System, outcomes: Outcomes, table: AblationTable) -> Iterator[str]:
    """Yield every warning, the most important first."""
    yield from _undecided(table)
    yield from _judging(table)
    yield from _incomparable(system)
    yield from _floor(system, table)
    yield from _left_out(system, outcomes, table)
    for family in table.families:
        if family.dose and family.dose.non_monotone:
            yield (
                f"{family.name}: the response to its strength both rises and falls, each beyond chance. More of an "
                "edit should not help after it hurt: look at its prompts before believing the curve."
            )


def _undecided(table: AblationTable) -> Iterator[str]:
    if table.undecided:
        yield (
            f"The judge is undecided on {decimal(table.undecided_share, 0)}% of the unchanged prompts: its preference "
            "lies between 45% and 55%. Whatever the model answers, the win rate then stays near 50% and winners flip "
            "by next to nothing, so equivalence and robustness describe the judge, not the model. Judge with one that "
            "tells these answers apart."
        )


def _judging(table: AblationTable) -> Iterator[str]:
    moved = [row.slot_flip_share for row in table.rows if row.slot_flip_share is not None]
    if moved:
        yield (
            "The judge read the perturbed prompts (judge.instruction=perturbed): it compares answers to other "
            "questions, so differences are not the model's alone. alpaca_eval would also show "
            f"{decimal(sum(moved) / len(moved), 0)}% of the changed prompts in the other slot; here the slots stay "
            "pinned to the original prompt. Judge against the original (judge.instruction=original)."
        )


def _incomparable(system: System) -> Iterator[str]:
    named: dict[str, list[str]] = {}
    for variant in (*system.floors, *system.variants):
        for problem in differences(system.base.run, variant.run):
            named.setdefault(f"{problem.where}: {problem.what}", []).append(variant.name)
    for difference, names in named.items():
        yield f"Not the same setting as the base, {difference} ({', '.join(names)})."


def _floor(system: System, table: AblationTable) -> Iterator[str]:
    if not system.floors:
        yield (
            "There is no noise floor: without re-decodes of the unchanged prompts (variant=floor_1,floor_2,...) flips "
            "and the worst of k cannot be told from chance."
        )
    elif not table.saturated and table.floor_flip_rate and table.floor_flip_rate.value == 0 and table.floor_shift == 0:
        yield (
            "The noise floor is zero: decoding again gave the same verdicts, as greedy decoding does, or sampling "
            "where no verdict hangs on the words. Every change then counts as an effect of the wording."
        )


def _left_out(system: System, outcomes: Outcomes, table: AblationTable) -> Iterator[str]:
    kept = {row.name for row in table.rows}
    for number, variant in enumerate(system.variants):
        if variant.name not in kept:
            known, total = int(outcomes.counted(number).sum()), len(outcomes.instructions)
            yield (
                f"{variant.name} is left out: only {known} of {count(total)} prompts have verdicts and still ask for "
                "the same task."
            )
    missing = int((~outcomes.decoded).sum())
    if missing:
        yield f"{count(missing)} prompts lack a verdict in a decode of the unchanged prompts, and are left out there."
