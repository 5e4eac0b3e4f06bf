"""Lines with bands: a score along a numeric axis, one line per series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from alpacabench.analysis.estimate import Estimate
from alpacabench.report.svg import (
    Drawing,
    bottom_axis,
    element,
    fit,
    join,
    left_axis,
    line,
    path,
    scale,
    text,
    text_width,
    tick_room,
    whisker,
)

HEIGHT = 320.0
SERIES_STYLES = 6
"""The style sheet has so many colours and dashes; beyond that, colour no longer tells lines apart."""
LEGEND_ROW = 18.0


@dataclass(frozen=True, slots=True)
class Series:
    """One line: points from left to right."""

    label: str
    points: Sequence[tuple[float, Estimate]]


def lines(
    series: Sequence[Series], x_title: str, y_title: str, width: float, reference: tuple[float, str] | None = None
) -> Drawing:
    """Draw each series with its intervals, its band where there is one series, and a legend where there are more."""
    legend, legend_height = _legend(series, width) if len(series) > 1 else (Markup(""), 0.0)
    top, bottom = 34 + legend_height, HEIGHT + legend_height - 46
    ends = [end for one in series for _, y in one.points for end in (y.value, *(y.interval or ()))]
    y = scale([*ends, reference[0]] if reference else ends, bottom, top)
    x = scale([at for one in series for at, _ in one.points], tick_room(y) + 6, width - 16)
    parts = [legend, left_axis(y, tick_room(y), width - 6, y_title), bottom_axis(x, top, bottom, x_title)]
    if reference:
        parts.append(line(x.start, y(reference[0]), x.stop, y(reference[0]), "reference"))
        parts.append(text(x.stop, y(reference[0]) - 5, reference[1], "note halo", "end"))
    if len(series) == 1:
        spans = [(x(at), mark.interval) for at, mark in series[0].points if mark.interval]
        band = [(at, y(high)) for at, (_, high) in spans] + [(at, y(low)) for at, (low, _) in reversed(spans)]
        parts.append(path(band, "band", closed=True) if len(spans) > 1 else Markup(""))
    for index, one in enumerate(series):
        style, shift = f"series-{index % SERIES_STYLES}", (index - (len(series) - 1) / 2) * 5
        parts.append(path([(x(at) + shift, y(mark.value)) for at, mark in one.points], f"trend {style}"))
        for at, mark in one.points:
            if mark.interval:
                parts.append(whisker(x(at) + shift, y(mark.interval[0]), y(mark.interval[1]), f"whisker {style}"))
            tip = element("title", f"{one.label} {mark.text()}".strip())
            parts.append(element("circle", tip, cx=x(at) + shift, cy=y(mark.value), r=4, class_=f"point {style}"))
    return Drawing(width, HEIGHT + legend_height, join(*parts))


def _legend(series: Sequence[Series], width: float) -> tuple[Markup, float]:
    """Return the legend and its height; it wraps within the width."""
    parts, x, y = [], 0.0, 12.0
    for index, one in enumerate(series):
        label = fit(one.label, width - 40)
        room = 26 + text_width(label) + 16
        if x and x + room > width:
            x, y = 0.0, y + LEGEND_ROW
        parts.append(line(x, y - 4, x + 20, y - 4, f"trend series-{index % SERIES_STYLES}"))
        parts.append(text(x + 26, y, label))
        x += room
    return join(*parts), y + 6
