"""Forest plot: one row per run or slice, its value and its 95% interval on a common scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from alpacabench.report.estimate import Estimate
from alpacabench.report.svg import Drawing, Scale, bottom_axis, element, fit, join, line, scale, text, text_width

STACKED_BELOW = 460
"""Narrower drawings put the label above its interval instead of beside it."""
GAP = 14
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
    """Draw the rows from top to bottom."""
    stacked = width < STACKED_BELOW
    values = [_value(plot, row) for row in plot.rows]
    value_width = max((text_width(value) for value in values), default=0) + GAP
    label_width = 0.0 if stacked else _column([row.label for row in plot.rows], width * 0.36)
    note_width = 0.0 if stacked else _column([row.note for row in plot.rows], width * 0.2)
    left = label_width + note_width + (16 if stacked else 10)
    right = width - (16 if stacked else value_width)
    top, row_height = (26 if plot.reference_label else 10), (44 if stacked else 26)
    bottom = top + row_height * len(plot.rows) + 4
    x = _axis_scale(plot, left, right)
    parts = [bottom_axis(x, top, bottom, plot.axis), _reference(plot, x, top, bottom, width)]
    for index, (row, value) in enumerate(zip(plot.rows, values, strict=True)):
        y = top + row_height * index
        if stacked:
            note = f"  {row.note}" if row.note else ""
            room = width - value_width - text_width(note)
            parts.append(_label(0, y + 16, row.label, room, row.kind, note))
            parts.append(text(width, y + 16, value, "value halo", "end"))
            parts.append(_mark(x, y + 31, row))
        else:
            parts.append(_label(0, y + 18, row.label, label_width - GAP, row.kind))
            parts.append(text(label_width + note_width - GAP, y + 18, row.note, "note", "end"))
            parts.append(text(width, y + 18, value, "value", "end"))
            parts.append(_mark(x, y + 14, row))
    return Drawing(width, bottom + 44, join(*parts))


def _axis_scale(plot: Forest, left: float, right: float) -> Scale:
    values = list(plot.domain) + ([plot.reference] if plot.reference is not None else [])
    for row in plot.rows:
        if row.estimate:
            values += [row.estimate.value, *(row.estimate.interval or ())]
    return scale(values, left, right, plot.limits)


def _value(plot: Forest, row: ForestRow) -> str:
    return row.estimate.text(plot.digits, plot.signed) if row.estimate else ""


def _column(texts: Sequence[str], most: float) -> float:
    return min(most, max((text_width(item) + GAP for item in texts if item), default=0))


def _label(x: float, y: float, label: str, room: float, kind: str, note: str = "") -> Markup:
    shown = fit(label, room)
    full = element("title", label) if shown != label else Markup("")
    aside = element("tspan", note, class_="note") if note else Markup("")
    return element("text", full, shown, aside, x=x, y=y, class_=f"label halo {kind}")


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
