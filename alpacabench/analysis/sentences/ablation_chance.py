"""What of an ablation is chance: the noise floor, and the worst of several wordings against several decodes."""

from __future__ import annotations

from alpacabench.analysis.ablation.table import AblationTable, OfK
from alpacabench.analysis.decision import differs, side
from alpacabench.analysis.estimate import decimal
from alpacabench.core.sentence import Sentence, every, first


def findings(table: AblationTable) -> list[str]:
    """Return what of the figures is chance."""
    return [*every((*FLOOR, *ROBUSTNESS), table), *filter(None, [first(WORST, table)])]


def _floor(table: AblationTable) -> dict[str, str]:
    rate = table.floor_flip_rate.percent() if table.floor_flip_rate else ""
    return {"rate": rate, "shift": decimal(table.floor_shift), "decodes": str(len(table.floors) + 1)}


FLOOR: tuple[Sentence[AblationTable], ...] = (
    Sentence(
        "chance.floor",
        "The noise floor: two decodes of the same unchanged prompts differ in {rate} of the winners and by {shift} "
        "points of win rate on average ({decodes} decodes).",
        when=lambda table: table.floor_flip_rate is not None, fields=_floor,
    ),
)  # fmt: skip


def _of(table: AblationTable, name: str) -> OfK | None:
    return next((found for found in table.spread.statistics if found.name == name), None) if table.spread else None


def _robustness(table: AblationTable) -> dict[str, str]:
    pss, spread = _of(table, "pss"), table.spread
    assert pss and pss.wordings and pss.decodes and spread and spread.robustness
    return {
        "value": spread.robustness.text(3), "wordings": str(spread.n_wordings), "decodes": str(spread.n_decodes),
        "pss": decimal(pss.wordings.value, 3), "pss_decodes": decimal(pss.decodes.value, 3),
        "largest": decimal(spread.pss_max, 3),
    }  # fmt: skip


ROBUSTNESS: tuple[Sentence[AblationTable], ...] = (
    Sentence(
        "chance.robustness",
        "Robustness {value} = 1 − (PSS of {wordings} wordings − PSS of {decodes} decodes) / largest possible PSS = 1 − "
        "({pss} − {pss_decodes}) / {largest}, on prompts that still ask for the same task.",
        when=lambda table: bool(table.spread and table.spread.robustness), fields=_robustness,
    ),
)  # fmt: skip


def _adds(table: AblationTable) -> int:
    worst = _of(table, "worst_of_k")
    return side(worst.excess) if worst and worst.excess and differs(worst.excess_p) else 0


def _known(table: AblationTable, wordings: bool, decodes: bool) -> bool:
    worst = _of(table, "worst_of_k")
    return bool(worst) and bool(worst and worst.wordings) is wordings and bool(worst and worst.decodes) is decodes


def _worst(table: AblationTable) -> dict[str, str]:
    worst, spread = _of(table, "worst_of_k"), table.spread
    assert worst and spread
    return {
        "k": str(spread.k), "wordings": worst.wordings.percent() if worst.wordings else "",
        "decodes": worst.decodes.percent() if worst.decodes else "",
        "excess": worst.excess.text(signed=True) if worst.excess else "",
    }  # fmt: skip


BOTH = "The worst of {k} wordings wins {wordings}, the worst of {k} re-decodes {decodes}: "
WORST: tuple[Sentence[AblationTable], ...] = (
    Sentence(
        "chance.worst_adds", BOTH + "the wording adds {excess} points, the rest is chance.",
        when=lambda table: _known(table, True, True) and _adds(table) != 0, fields=_worst, error=0.05,
    ),
    Sentence(
        "chance.worst_unclear", BOTH + "it is not shown that the wording adds to chance ({excess} points).",
        when=lambda table: _known(table, True, True), fields=_worst,
    ),
    Sentence(
        "chance.worst_decodes", "The worst of {k} decodes of the same prompts wins {decodes}: by chance alone.",
        when=lambda table: _known(table, False, True), fields=_worst,
    ),
    Sentence(
        "chance.worst_unknown",
        "The worst of {k} wordings wins {wordings}; how much of it is chance is not known.",
        when=lambda table: _known(table, True, False), fields=_worst,
    ),
)  # fmt: skip
