"""Heat map: a score over two axes, with the value and its interval written in each cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from alpacabench.analysis.estimate import Estimate, decimal
from alpacabench.report.svg import Drawing, element, fit, join, text, text_width

CELL_HEIGHT = 48.0
SHADES = 7
STRENGTHS = 3
"""Of a colour of differences."""


def heat(
    columns: Sequence[str],
    rows: Sequence[str],
    cells: Mapping[tuple[str, str], Estimate],
    titles: tuple[str, str],
    width: float,
    signed: bool = False,
) -> Drawing:
    """Draw cells keyed (column, row); `titles` are those of the columns and of the rows. Missing cells stay empty.

    Of differences (`signed`) a cell has a colour only where its interval leaves out zero: one above, another below.
    """
    left = min(width * 0.3, max(text_width(row) for row in rows) + 12)
    cell = (width - left) / len(columns)
    top = 60.0
    parts = [
        text(0, 14, f"Rows: {titles[1]}", "axis-title"),
        text((left + width) / 2, 32, f"Columns: {titles[0]}", "axis-title", "middle"),
    ]
    parts += [
        text(left + cell * (i + 0.5), top - 10, fit(column, cell - 4), "tick", "middle")
        for i, column in enumerate(columns)
    ]
    # Shades span the intervals, so that differences within the noise look alike.
    values = [end for mark in cells.values() for end in (mark.value, *(mark.interval or ()))]
    for j, row in enumerate(rows):
        y = top + CELL_HEIGHT * j
        parts.append(text(left - 10, y + CELL_HEIGHT / 2 + 4, fit(row, left - 12), "label", "end"))
        for i, column in enumerate(columns):
            if mark := cells.get((column, row)):
                shade = _side(mark, values) if signed else _shade(mark, values)
                parts.append(_cell(left + cell * i, y, cell, mark, shade, f"{column}, {row}", signed))
    return Drawing(width, top + CELL_HEIGHT * len(rows) + 6, join(*parts))


def _shade(mark: Estimate, values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"shade-{round((mark.value - low) / (high - low) * (SHADES - 1)) if high > low else SHADES // 2}"


def _side(mark: Estimate, values: Sequence[float]) -> str:
    low, high = mark.interval or (-1.0, 1.0)
    if low <= 0 <= high:
        return "even"
    strength = max(1, round(abs(mark.value) / max(map(abs, values)) * STRENGTHS))
    return f"{'rise' if mark.value > 0 else 'fall'}-{strength}"


def _cell(x: float, y: float, wide: float, mark: Estimate, shade: str, name: str, signed: bool) -> Markup:
    tip = element("title", f"{name}: {mark.text(signed=signed)}")
    box = element("rect", tip, x=x + 1, y=y + 1, width=wide - 2, height=CELL_HEIGHT - 2, rx=4, class_=shade)
    centre, span = x + wide / 2, mark.range(signed=signed)
    if text_width(span, 11) > wide - 4 and mark.interval:
        span = f"±{decimal((mark.interval[1] - mark.interval[0]) / 2)}"
    value = text(centre, y + 22, decimal(mark.value, signed=signed), f"on-{shade} strong", "middle")
    return join(box, value, text(centre, y + 38, span, f"on-{shade} small", "middle"))
