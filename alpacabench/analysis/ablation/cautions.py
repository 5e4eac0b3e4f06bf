"""What a reader must know before trusting the figures of an ablation."""

from __future__ import annotations

from collections.abc import Iterator

from alpacabench.analysis.ablation.outcomes import Outcomes
from alpacabench.analysis.ablation.table import AblationTable
from alpacabench.analysis.ablation.variant import System
from alpacabench.analysis.compatible import differences
from alpacabench.analysis.numerics import mixed
from alpacabench.analysis.sentences import cautions as say
from alpacabench.analysis.sentences import numerics


def cautions(system: System, outcomes: Outcomes, table: AblationTable) -> Iterator[str]:
    """Yield every warning, the most important first."""
    yield from say.of_table(table)
    yield from _incomparable(system)
    runs = [variant.run for variant in (*system.decodes, *system.variants)]
    if found := mixed(runs):
        yield from numerics.findings([numerics.Mixed(found)])
    yield from say.of_floor(say.Floor(table, len(system.floors)))
    yield from _left_out(system, outcomes, table)
    for family in table.families:
        yield from say.of_family(family)


def _incomparable(system: System) -> Iterator[str]:
    named: dict[str, list[str]] = {}
    for variant in (*system.floors, *system.variants):
        for problem in differences(system.base.run, variant.run):
            named.setdefault(f"{problem.where}: {problem.what}", []).append(variant.name)
    for difference, names in named.items():
        yield from say.differs(say.Differs(difference, ", ".join(names)))


def _left_out(system: System, outcomes: Outcomes, table: AblationTable) -> Iterator[str]:
    kept = {row.name for row in table.rows}
    for number, variant in enumerate(system.variants):
        if variant.name not in kept:
            known = int(outcomes.counted(number).sum())
            yield from say.left_out(say.LeftOut(variant.name, known, len(outcomes.instructions)))
    yield from say.missing(int((~outcomes.decoded).sum()))
