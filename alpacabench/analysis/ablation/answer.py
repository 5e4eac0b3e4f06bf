"""What a system is sensitive to and what is noise: every figure of the ablation of one system."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from alpacabench.analysis.ablation.cautions import cautions
from alpacabench.analysis.ablation.dose import dose_response
from alpacabench.analysis.ablation.effect import effect_rows, floor_rows
from alpacabench.analysis.ablation.floor import floor_flips, floor_shift
from alpacabench.analysis.ablation.metrics import metrics
from alpacabench.analysis.ablation.outcomes import Outcomes
from alpacabench.analysis.ablation.prompts import flipping_prompts, rejected_prompts
from alpacabench.analysis.ablation.slices import slice_rows
from alpacabench.analysis.ablation.spread import spread_of
from alpacabench.analysis.ablation.table import AblationTable, Dose, Family, VariantRow
from alpacabench.analysis.ablation.variant import System
from alpacabench.analysis.decision import MARGIN
from alpacabench.analysis.estimate import Estimate
from alpacabench.core.errors import DataError
from alpacabench.scoring.arrays import Floats
from alpacabench.scoring.saturation import saturated, undecided_share
from alpacabench.scoring.win_rate import score_win_rate

if TYPE_CHECKING:
    from alpacabench.scoring.difficulty import DifficultyTable

LOW = 0.25


def answer(
    system: System, table: DifficultyTable | None = None, margin: float = MARGIN, title: str = "ablation"
) -> AblationTable:
    """Compare every variant with the base and with the noise floor.

    Args:
        system: base, variants and re-decodes.
        table: prompt difficulties, for the regularised length control.
        margin: points within which a win rate counts as unchanged.
        title: of the page.

    Raises:
        DataError: fewer than two prompts have a verdict in the base and in any other run.

    """
    outcomes = Outcomes.of(system)
    rows, floors = effect_rows(system, outcomes, table, margin), floor_rows(system, outcomes, table, margin)
    if not rows and not floors:
        raise DataError(
            f"{system.base.run.origin}: fewer than two prompts have a verdict in the base and in any variant\n"
            "    give runs of the same prompts"
        )
    found = _table(system, outcomes, rows, floors, margin, title)
    return replace(found, metrics=metrics(found), warnings=tuple(cautions(system, outcomes, found)))


def _table(
    system: System,
    outcomes: Outcomes,
    rows: Sequence[VariantRow],
    floors: tuple[VariantRow, ...],
    margin: float,
    title: str,
) -> AblationTable:
    """Return the figures that follow from the system's outcomes, without what follows from the figures."""
    slices, n_small = slice_rows(system, outcomes)
    rate = score_win_rate(system.base.run.preferences)
    known = outcomes.decodes[:, outcomes.decoded]
    return AblationTable(
        title=title,
        base=system.base.name,
        win_rate=Estimate(rate.win_rate, rate.win_rate_ci_low, rate.win_rate_ci_high),
        n=len(outcomes.instructions),
        families=_families(rows, _doses(system, outcomes)),
        floors=floors,
        floor_flip_rate=Estimate.of_shares(floor_flips(known)) if floors else None,
        floor_shift=floor_shift(known) if floors else None,
        # Without any verdict that differs, the spread over wordings is 0 whatever they do.
        spread=None if _saturation(outcomes) else spread_of(outcomes.decodes, _wordings(system, outcomes)),
        undecided_share=undecided_share(outcomes.base),
        saturated=_saturation(outcomes),
        margin=margin,
        n_tests=sum(1 + (row.excess_p is not None) for row in rows),
        slices=slices,
        n_small_slices=n_small,
        flipping=flipping_prompts(system, outcomes),
        rejected=rejected_prompts(system, outcomes),
        about=_about(system),
    )


def _families(rows: Sequence[VariantRow], doses: Mapping[str, Dose | None]) -> tuple[Family, ...]:
    """Return the families, the sensitive ones first, then by how much they do."""
    members: dict[str, list[VariantRow]] = defaultdict(list)
    for row in rows:
        members[row.family].append(row)
    families = [Family(name, found[0].kind, tuple(found), doses[name]) for name, found in members.items()]  # type: ignore[arg-type]
    return tuple(sorted(families, key=lambda family: (not family.sensitive, -family.strongest.size, family.name)))


def _doses(system: System, outcomes: Outcomes) -> dict[str, Dose | None]:
    levels: dict[str, list[tuple[float, Floats]]] = defaultdict(list)
    for number, variant in enumerate(system.variants):
        y = np.where(outcomes.counted(number), outcomes.variants[number], np.nan)
        levels[variant.family] += [(variant.strength, y)] if variant.strength is not None else []
    return {family: dose_response(outcomes.base, found) for family, found in levels.items()}


def _wordings(system: System, outcomes: Outcomes) -> Floats:
    """Return y of the variants that keep the task; NaN where one does not count."""
    rows = [number for number, variant in enumerate(system.variants) if variant.kind == "robustness"]
    counted = [np.where(outcomes.counted(number), outcomes.variants[number], np.nan) for number in rows]
    return np.array(counted).reshape(len(rows), -1) if rows else np.empty((0, len(outcomes.instructions)))


def _saturation(outcomes: Outcomes) -> str:
    """Return what every verdict is, where all are the same."""
    y = np.concatenate([outcomes.decodes.ravel(), outcomes.variants.ravel()])
    if not saturated(y):
        return ""
    level = float(np.nanmean(y))
    return "a loss" if level < LOW else "a win" if level > 1 - LOW else "a draw"


def _about(system: System) -> dict[str, str]:
    base = system.base.run
    return {
        "base": f"{system.base.name} ({base.origin})",
        "judge": base.judge,
        "reference": base.reference,
        "variants": ", ".join(variant.name for variant in system.variants) or "none",
        "re-decodes": ", ".join(floor.name for floor in system.floors) or "none",
    } | ({"system": system.name} if system.name else {})
