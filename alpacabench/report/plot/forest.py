"""Forest plot: one row per run or slice, its value and its 95% interval on a common scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from alpacabench.analysis.estimate import Estimate
from alpacabench.report.svg import Drawing, Scale, bottom_axis, element, fit, join, line, scale, text, text_width

STACKED_BELOW = 460
"""Narrower drawings put the label above its interval instead of beside it."""
GAP = 14
BOLD = 1.12
"""How much wider than others the bold labels of a user's own runs are, in DejaVu Sans."""
MANY_ROWS = 6
"""More rows than this deserve the whole width of a page."""


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One row; without an estimate only the label and the note are drawn."""

    label: str
    estimate: Estimate | None
    note: str = ""
    kind: str = ""
    """Style: '' (plain), 'few' (hollow), 'base', 'own' (highlighted), 'muted'."""


@dataclass(frozen=True, slots=True)
class Forest:
    """What all rows share."""

    rows: Sequence[ForestRow]
    axis: str
    """Axis title with its unit."""
    reference: float | None = None
    """A dashed line to compare with."""
    reference_label: str = ""
    limits: tuple[float, float] | None = None
    """What values are possible."""
    signed: bool = False
    domain: tuple[float, ...] = ()
    """Values that the axis must show."""
    digits: int = 1


def forest(plot: Forest, width: float) -> Drawing:
    """Draw the rows from top to bottom; narrow drawings put each label above its interval."""
    stacked = width < STACKED_BELOW
    values = [_value(plot, row) for row in plot.rows]
    value_width = max((text_width(value) for value in values), default=0) + GAP
    columns = (0.0, 0.0) if stacked else _columns(plot, width)
    x = _axis_scale(plot, 16 if stacked else sum(columns) + 10, width - (16 if stacked else value_width))
    top = y = 26.0 if plot.reference_label else 10.0
    rows = []
    for row, value in zip(plot.rows, values, strict=True):
        if stacked:
            roomy = text_width(f"{row.label}  {row.note}  {value}") < width
            rows.append(_stacked_row(x, y, width, row, value, roomy))
            y += 44 if roomy else 60
        else:
            rows.append(_row(x, y, width, row, value, columns))
            y += 26
    axes = join(bottom_axis(x, top, y + 4, plot.axis), _reference(plot, x, top, y + 4, width))
    return Drawing(width, y + 48, join(axes, *rows))


def _row(x: Scale, y: float, width: float, row: ForestRow, value: str, columns: tuple[float, float]) -> Markup:
    label_width, note_width = columns
    return join(
        _label(y + 18, row, label_width - GAP),
        text(label_width + note_width - GAP, y + 18, row.note, "note", "end"),
        text(width, y + 18, value, "value", "end"),
        _mark(x, y + 14, row),
    )


def _stacked_row(x: Scale, y: float, width: float, row: ForestRow, value: str, roomy: bool) -> Markup:
    second = y + (16 if roomy else 32)
    return join(
        _label(y + 16, row, width, row.note if roomy else ""),
        Markup("") if roomy else text(0, second, row.note, "note halo"),
        text(width, second, value, "value halo", "end"),
        _mark(x, second + 15, row),
    )


def _axis_scale(plot: Forest, left: float, right: float) -> Scale:
    values = list(plot.domain) + ([plot.reference] if plot.reference is not None else [])
    for row in plot.rows:
        if row.estimate:
            values += [row.estimate.value, *(row.estimate.interval or ())]
    return scale(values, left, right, plot.limits)


def _value(plot: Forest, row: ForestRow) -> str:
    return row.estimate.text(plot.digits, plot.signed) if row.estimate else ""


def _columns(plot: Forest, width: float) -> tuple[float, float]:
    """Return the width of the labels and of the notes."""
    labels = [text_width(row.label) * _boldness(row) for row in plot.rows]
    return _column(labels, width * 0.36), _column([text_width(row.note) for row in plot.rows], width * 0.2)


def _column(widths: Sequence[float], most: float) -> float:
    return min(most, max((width + GAP for width in widths if width), default=0))


def _boldness(row: ForestRow) -> float:
    return BOLD if row.kind == "own" else 1


def _label(y: float, row: ForestRow, room: float, note: str = "") -> Markup:
    shown = fit(row.label, room / _boldness(row))
    full = element("title", row.label) if shown != row.label else Markup("")
    aside = element("tspan", note, dx=8, class_="note") if note else Markup("")
    return element("text", full, shown, aside, x=0, y=y, class_=f"label halo {row.kind}")


def _mark(x: Scale, y: float, row: ForestRow) -> Markup:
    if not row.estimate:
        return Markup("")
    interval = row.estimate.interval
    bar = line(x(interval[0]), y, x(interval[1]), y, f"interval {row.kind}") if interval else Markup("")
    tip = element("title", f"{row.label}: {row.estimate.text()} {row.note}".strip())
    return join(bar, element("circle", tip, cx=x(row.estimate.value), cy=y, r=4.5, class_=f"point {row.kind}"))


def _reference(plot: Forest, x: Scale, top: float, bottom: float, width: float) -> Markup:
    if plot.reference is None:
        return Markup("")
    at, half = x(plot.reference), text_width(plot.reference_label) / 2
    centre = min(max(at, half), width - half)
    label = text(centre, top - 8, plot.reference_label, "note", "middle")
    return join(line(at, top - 2, at, bottom, "reference"), label)
