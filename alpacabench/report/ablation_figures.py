"""The plots of an ablation."""

from __future__ import annotations

from alpacabench.analysis.ablation.table import AblationTable, Family, OfK, SliceRow, Spread, VariantRow
from alpacabench.analysis.estimate import FEW, MISSING, Estimate, decimal, p_value, probability
from alpacabench.report.ablation_words import statistic
from alpacabench.report.page import Figure, figure
from alpacabench.report.plot.forest import MANY_ROWS, Forest, ForestRow, forest
from alpacabench.report.plot.heat import heat
from alpacabench.report.plot.lines import SERIES_STYLES, Series, lines

POINTS = "Difference, percentage points (95% interval)"
FLOOR_LINE = (
    " The dashed line is what two decodes of the same unchanged prompts differ by: only what is beyond it is due to "
    "the wording. Re-decodes are hollow."
)
MAX_COLUMNS = 6
"""Families in one heat map."""


def figures(table: AblationTable) -> list[Figure]:
    """Return every plot that the table has data for."""
    found = [_flips(table), _deltas(table), *_doses(table), _of_k(table), *_slices(table)]
    return [plot for plot in found if plot]


def _flips(table: AblationTable) -> Figure | None:
    ranked = sorted(table.rows, key=lambda row: -row.flip_rate.value)
    rows = [*ranked, *table.floors]
    if not rows:
        return None
    floor = table.floor_flip_rate
    plot = Forest(
        [ForestRow(row.name, row.flip_rate, _flip_note(row), _kind(row)) for row in rows],
        "Prompts with another winner, % (95% interval)",
        floor.value if floor else None,
        "two decodes" if floor else "",
        limits=(0, 100),
        domain=(0.0,),
    )
    return figure(
        "flips",
        "How often the winner changes",
        f"Share of the prompts whose winner differs from the base.{FLOOR_LINE if floor else ''}",
        lambda width: forest(plot, width),
        ("Variant", "Flips, %", "Beyond the floor, points", "Won to lost", "Lost to won", "McNemar p"),
        [
            (
                row.name,
                row.flip_rate.text(),
                row.excess_flip.text(signed=True) if row.excess_flip else MISSING,
                str(row.n_win_to_loss),
                str(row.n_loss_to_win),
                probability(row.mcnemar_p),
            )
            for row in rows
        ],
        wide=len(rows) > MANY_ROWS,
    )


def _deltas(table: AblationTable) -> Figure | None:
    rows = [*sorted(table.rows, key=lambda row: -abs(row.delta_wr.value)), *table.floors]
    if not rows:
        return None
    plot = Forest(
        [ForestRow(row.name, row.delta_wr, _p(row), _kind(row)) for row in rows],
        POINTS,
        0,
        "unchanged prompts",
        signed=True,
        domain=(-table.margin, table.margin),
    )
    return figure(
        "deltas",
        "What it does to the win rate",
        "Paired difference to the base on the same prompts. p is Holm-adjusted for all tests of the ablation and "
        f"covers flips too. Equivalent: the 90% interval lies within ±{table.margin:g} points.",
        lambda width: forest(plot, width),
        ("Variant", "Win rate, points", "Length-controlled, points", "p (Holm)", "Equivalent"),
        [
            (
                row.name,
                row.delta_wr.text(signed=True),
                row.delta_lc.text(signed=True) if row.delta_lc else MISSING,
                probability(row.p_holm),
                "yes" if row.equivalent else "not shown",
            )
            for row in rows
        ],
        wide=len(rows) > MANY_ROWS,
    )


def _doses(table: AblationTable) -> list[Figure]:
    """Return the curves, as many in one plot as colours can tell apart."""
    known = [family for family in table.families if family.dose]
    groups = [known[start : start + SERIES_STYLES] for start in range(0, len(known), SERIES_STYLES)]
    return [_dose(group, number) for number, group in enumerate(groups)]


def _dose(families: list[Family], number: int) -> Figure:
    doses = [(family.name, family.dose) for family in families if family.dose]
    series = [Series(name, dose.points) for name, dose in doses]
    return figure(
        f"dose-{number}",
        "Dose and response",
        "Difference of the win rate along each family's own strength, 0 being the unchanged prompts; whiskers are 95% "
        "intervals. The slope is per unit of strength.",
        lambda width: lines(series, "Strength (0 to 1, each family's own)", "Points", width, (0.0, "unchanged")),
        ("Family", "Strength and difference", "Slope, points per unit (95% interval)"),
        [
            (
                name,
                "; ".join(f"{at:g}: {mark.text(signed=True)}" for at, mark in dose.points[1:]),
                dose.slope.text(signed=True),
            )
            for name, dose in doses
        ],
        wide=True,
    )


def _of_k(table: AblationTable) -> Figure | None:
    spread = table.spread
    if spread is None:
        return None
    shown = [found for found in spread.statistics if found.name != "pss"]
    rows = [row for found in shown for row in _sides(found, spread.k)]
    plot = Forest(rows, "%, or percentage points (95% interval)", domain=(0.0,))
    return figure(
        "of-k",
        f"Worst, best and spread over {spread.k} {'wordings' if spread.n_wordings else 'decodes'}",
        _of_k_caption(spread),
        lambda width: forest(plot, width),
        ("Statistic", "Wordings", "Re-decodes", "Beyond chance"),
        [
            (statistic(found, spread.k)[0], *(_text(found, side) for side in ("wordings", "decodes", "excess")))
            for found in spread.statistics
        ],
        wide=True,
    )


def _of_k_caption(spread: Spread) -> str:
    if not spread.n_decodes:
        return "The worst of several wordings falls by chance alone; how much of it is chance needs re-decodes."
    if not spread.n_wordings:
        return "The same prompts, decoded again: the worst of several falls by chance alone."
    return (
        f"Each against the same statistic of {spread.k} decodes of the unchanged prompts, in orange: the worst of "
        f"several falls by chance alone. Where there are more, it is the mean over all draws of {spread.k}; the "
        "original wording is one of them, and prompts on which the task changed are left out."
    )


def _sides(found: OfK, k: int) -> list[ForestRow]:
    title = statistic(found, k)[0].partition(",")[0]
    excess = f"{found.excess.text(signed=True)} beyond" if found.excess else ""
    sides = [(f"{title}: wordings", found.wordings, excess, ""), (f"{title}: re-decodes", found.decodes, "", "base")]
    return [ForestRow(label, estimate, note, kind) for label, estimate, note, kind in sides if estimate]


def _text(found: OfK, side: str) -> str:
    estimate: Estimate | None = getattr(found, side)
    digits = 3 if found.name == "pss" else 1
    return estimate.text(digits, signed=side == "excess") if estimate else MISSING


def _slices(table: AblationTable) -> list[Figure]:
    names = [family.name for family in table.families][:MAX_COLUMNS]
    breakdowns = dict.fromkeys(row.breakdown for row in table.slices)
    found = [_slice(table, breakdown, names) for breakdown in breakdowns]
    return [plot for plot in found if plot]


def _slice(table: AblationTable, breakdown: str, names: list[str]) -> Figure | None:
    rows = [row for row in table.slices if row.breakdown == breakdown]
    cells = {
        (family, _slice_label(row)): estimate
        for row in rows
        for family, estimate in row.families.items()
        if family in names
    }
    if not cells:
        return None
    small = table.n_small_slices
    hidden = f" Categories and tags of fewer than {FEW} prompts are not shown ({small} in all)." if small else ""
    return figure(
        breakdown.replace(" ", "-"),
        f"Difference of the win rate by {breakdown}",
        "Points, the mean over a family's strengths, with the 95% interval below: blue where it is above zero, orange "
        "where it is below. Slices describe; they are not adjusted for how many they are."
        f"{hidden}",
        lambda width: heat(
            names, [_slice_label(row) for row in rows], cells, ("family", breakdown), width, signed=True
        ),
        (breakdown, "n", *names),
        [
            (
                row.name,
                str(row.n),
                *(row.families[f].text(signed=True) if f in row.families else MISSING for f in names),
            )
            for row in rows
        ],
        wide=True,
    )


def _slice_label(row: SliceRow) -> str:
    return f"{row.name.replace('_', ' ')} ({row.n})"


def _kind(row: VariantRow) -> str:
    return "muted" if row.kind == "floor" else "base" if row.kind == "effect" else ""


def _flip_note(row: VariantRow) -> str:
    if row.kind == "floor":
        return "re-decode"
    return f"{decimal(row.excess_flip.value, signed=True)} beyond" if row.excess_flip else ""


def _p(row: VariantRow) -> str:
    if row.p_holm is None:
        return "re-decode"
    text = p_value(row.p_holm, leading_zero=False)
    return text if row.sensitive else "equivalent" if row.equivalent else text
