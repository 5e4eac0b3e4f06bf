"""The plots of a sweep."""

from __future__ import annotations

import re
from collections.abc import Sequence

from alpacabench.analysis.estimate import Estimate, dollars, duration, finite, p_value, probability
from alpacabench.analysis.sweep.table import SweepRow, SweepTable, numeric
from alpacabench.report.page import Figure, figure
from alpacabench.report.plot.forest import Forest, ForestRow, forest
from alpacabench.report.plot.heat import heat
from alpacabench.report.plot.lines import SERIES_STYLES, Series, lines
from alpacabench.report.plot.points import Spot, frontier, pareto

WIN_RATE = "Win rate, % (95% interval)"
MAX_HEAT_COLUMNS = 8
STEP = re.compile(r"(\d+)/*$")
"""A checkpoint's step: `checkpoint-200`, `step_1000/`."""
Axis = tuple[str, tuple[str, ...]]
"""A config key and its values."""


def figures(table: SweepTable) -> list[Figure]:
    """Return every plot that the table has data for."""
    swept = list(table.axes().items())
    found = [_deltas(table), _rates(table)]
    if 1 <= len(swept) <= 2:
        found += [_along(table, swept), _heat(table, swept) if len(swept) == 2 else None]
    found += [_effects(table), _pareto(table)]
    return [plot for plot in found if plot]


def _deltas(table: SweepTable) -> Figure | None:
    compared = [(row, delta) for row in table.rows if (delta := table.delta(row))]
    if not compared:
        return None
    compared.sort(key=lambda pair: -pair[1].value)
    rows = [ForestRow(table.label(row), delta, _p(row.p_holm)) for row, delta in compared]
    plot = Forest(rows, "Difference, percentage points (95% interval)", 0, "base", signed=True)
    return figure(
        "deltas",
        "Paired difference to the base",
        "Every setting against the base on the same prompts. The interval is of one comparison; p is "
        "Holm-adjusted for all of them, so trust p where the two disagree.",
        lambda width: forest(plot, width),
        ("Setting", "Difference, points (95% interval)", "p (Holm)", "q (BH)"),
        [
            (table.label(row), delta.text(signed=True), probability(row.p_holm), probability(row.q_bh))
            for row, delta in compared
        ],
        wide=True,
    )


def _rates(table: SweepTable) -> Figure | None:
    done = sorted(_done(table), key=lambda pair: -pair[1].value)
    if not done:
        return None
    rows = [
        ForestRow(table.label(row), rate, table.place(row).replace("tied", "tied for best"), _kind(table, row))
        for row, rate in done
    ]
    plot = Forest(rows, _rate_name(table), limits=(0, 100))
    return figure(
        "rates",
        "Win rate of each setting",
        "Intervals of two settings may overlap although their paired difference is established: the plot of "
        "differences decides. The base is drawn in orange.",
        lambda width: forest(plot, width),
        ("Setting", WIN_RATE, "Length-controlled, %"),
        [
            (table.label(row), row.win_rate.text() if row.win_rate else "–", row.lc.text() if row.lc else "–")
            for row, _ in done
        ],
        wide=True,
    )


def _along(table: SweepTable, swept: list[Axis]) -> Figure | None:
    steps = {key: _steps(key, values) for key, values in swept}
    numbers = [axis for axis in swept if steps[axis[0]]]
    if not numbers:
        return None
    key = max(numbers, key=lambda axis: len(axis[1]))[0]
    other = next((axis for axis in swept if axis[0] != key), None)
    groups = other[1] if other else ("",)
    if len(groups) > SERIES_STYLES:
        return None
    series = []
    for group in groups:
        points = [
            (steps[key][row.overrides[key]], rate)
            for row, rate in _done(table)
            if key in row.overrides and (other is None or row.overrides.get(other[0], "") == group)
        ]
        series.append(Series(group, sorted(points, key=lambda point: point[0])))
    series = [one for one in series if one.points]
    if not series:
        return None
    deltas = {
        (row.overrides.get(other[0], "") if other else "", steps[key][row.overrides[key]]): delta.text(signed=True)
        for row in table.rows
        if key in row.overrides and (delta := table.delta(row))
    }
    title = f"Win rate along {key}" if numeric(tuple(steps[key])) else f"Win rate along the checkpoints ({key})"
    return figure(
        "along",
        title,
        f"One line for each value of {other[0]}, shifted sideways a little so that the 95% intervals stay apart."
        if other
        else "The band and the whiskers are the 95% interval.",
        lambda width: lines(series, key, _rate_name(table), width),
        (other[0] if other else "Series", key, _rate_name(table), "Difference to the base, points"),
        [
            (one.label, f"{at:g}", rate.text(), deltas.get((one.label, at), "base"))
            for one in series
            for at, rate in one.points
        ],
        wide=other is None,
    )


def _steps(key: str, values: Sequence[str]) -> dict[str, float]:
    """Return the number that each value is, of a model's path the step that its name ends with; empty for words."""
    if numeric(values):
        return {value: float(value) for value in values}
    found = {value: STEP.search(value) for value in values} if key.startswith("model.") else {}
    steps = {value: float(match[1]) for value, match in found.items() if match}
    return steps if len(set(steps.values())) == len(values) else {}


def _heat(table: SweepTable, swept: list[Axis]) -> Figure | None:
    across, down = sorted(swept, key=lambda axis: len(axis[1]))
    if len(across[1]) > MAX_HEAT_COLUMNS:
        return None
    cells = {(row.overrides.get(across[0], ""), row.overrides.get(down[0], "")): rate for row, rate in _done(table)}
    if not cells:
        return None
    return figure(
        "heat",
        f"Win rate by {across[0]} and {down[0]}",
        "Win rate in %, with its 95% interval below. The shades span all intervals, so that "
        "differences within the noise look alike.",
        lambda width: heat(across[1], down[1], cells, (across[0], down[0]), width),
        (across[0], down[0], _rate_name(table)),
        [(*key, rate.text()) for key, rate in cells.items()],
    )


def _effects(table: SweepTable) -> Figure | None:
    # With one axis, these are the differences to the base once more.
    if not table.effects or len(table.axes()) < 2:
        return None
    rows = [ForestRow(effect.name, effect.estimate, _p(effect.p_holm)) for effect in table.effects]
    plot = Forest(rows, "Effect, percentage points (95% interval)", 0, "no effect", signed=True)
    return figure(
        "effects",
        "Main effects and interactions",
        "What changing one axis does on average over the others, and how far two axes depend on each other.",
        lambda width: forest(plot, width),
        ("Effect", "Points (95% interval)", "p (Holm)"),
        [(effect.name, effect.estimate.text(signed=True), probability(effect.p_holm)) for effect in table.effects],
        wide=True,
    )


def _pareto(table: SweepTable) -> Figure | None:
    priced = len({row.full_cost_usd for row in table.rows if finite(row.full_cost_usd)}) > 1
    spots = []
    for row, rate in _done(table):
        price = row.full_cost_usd if priced else row.seconds_per_answer
        if finite(price):
            spots.append(Spot(table.values(row), price, rate, _kind(table, row)))
    if len({spot.x for spot in spots}) < 2:
        return None
    on_frontier = {spot.label for spot in frontier(spots)}
    unit = "Cost of all answers and verdicts, US dollars" if priced else "Mean time to write an answer, seconds"
    return figure(
        "pareto",
        "Quality for the money" if priced else "Quality for the time",
        f"Settings are named by {', '.join(table.axes())}; names that find no room are in the table. The dashed line "
        f"joins the settings that nothing {'cheaper' if priced else 'faster'} beats. Whiskers are 95% intervals. "
        f"{'Cost' if priced else 'Time'} is what it was when the answers were made, also where this call had them from "
        "the store.",
        lambda width: pareto(spots, unit, _rate_name(table), width),
        ("Setting", unit, _rate_name(table), "On the line"),
        [
            (
                spot.label,
                dollars(spot.x) if priced else duration(spot.x),
                spot.y.text(),
                "yes" if spot.label in on_frontier else "no",
            )
            for spot in spots
        ],
        wide=True,
    )


def _done(table: SweepTable) -> list[tuple[SweepRow, Estimate]]:
    return [(row, rate) for row in table.rows if (rate := table.rate(row))]


def _rate_name(table: SweepTable) -> str:
    return WIN_RATE if table.decides == "win_rate" else f"Length-controlled {WIN_RATE[0].lower()}{WIN_RATE[1:]}"


def _kind(table: SweepTable, row: SweepRow) -> str:
    return "base" if row.name == table.base else ""


def _p(value: float | None) -> str:
    return p_value(value, leading_zero=False) if finite(value) else ""
