"""Points: a cloud with binned means, and settings by cost and quality with the frontier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from alpacabench.analysis.estimate import Estimate
from alpacabench.report.svg import (
    Drawing,
    Scale,
    bottom_axis,
    element,
    fit,
    join,
    left_axis,
    path,
    scale,
    text,
    text_width,
    tick_room,
    whisker,
)

HEIGHT = 320.0
BOTTOM = HEIGHT - 46
TOP = 34.0
LABEL_WIDTH = 200.0


@dataclass(frozen=True, slots=True)
class Trend:
    """The mean of one group of neighbouring points."""

    x: float
    y: Estimate


@dataclass(frozen=True, slots=True)
class Spot:
    """One named setting."""

    label: str
    x: float
    y: Estimate
    kind: str = ""
    """Style: '' (plain), 'base'."""


def cloud(
    points: Sequence[tuple[float, float]], trend: Sequence[Trend], x: Scale, x_title: str, y_title: str, width: float
) -> Drawing:
    """Draw every point faintly and the trend with the band of its intervals; `x` is placed by the caller's ticks."""
    y = scale([0.0, 100.0], BOTTOM, TOP)
    x = Scale(x.low, x.high, tick_room(y) + 6, width - 16, x.ticks)
    dots = "".join(f"M{x(a):.1f} {y(b):.1f}h0" for a, b in points)
    band = [(x(mark.x), y(mark.y.interval[1])) for mark in trend if mark.y.interval]
    band += [(x(mark.x), y(mark.y.interval[0])) for mark in reversed(trend) if mark.y.interval]
    parts = [
        left_axis(y, tick_room(y), width - 6, y_title),
        bottom_axis(x, TOP, BOTTOM, x_title),
        element("path", d=dots or None, class_="cloud"),
    ]
    if len(trend) > 1:
        parts += [path(band, "band", closed=True), path([(x(mark.x), y(mark.y.value)) for mark in trend], "trend")]
    for mark in trend:
        if mark.y.interval:
            parts.append(whisker(x(mark.x), y(mark.y.interval[0]), y(mark.y.interval[1]), "whisker"))
        tip = element("title", mark.y.text())
        parts.append(element("circle", tip, cx=x(mark.x), cy=y(mark.y.value), r=4, class_="point"))
    return Drawing(width, HEIGHT, join(*parts))


def pareto(spots: Sequence[Spot], x_title: str, y_title: str, width: float) -> Drawing:
    """Draw settings with vertical intervals, and a stepped line through those that nothing cheaper beats."""
    ends = [end for spot in spots for end in (spot.y.value, *(spot.y.interval or ()))]
    y = scale(ends, BOTTOM, TOP)
    left = tick_room(y)
    x = scale([spot.x for spot in spots], left + 6, width - 16)
    parts = [left_axis(y, left, width - 6, y_title), bottom_axis(x, TOP, BOTTOM, x_title)]
    steps: list[tuple[float, float]] = []
    for spot in frontier(spots):
        at = x(spot.x), y(spot.y.value)
        steps += [(at[0], steps[-1][1]), at] if steps else [at]
    parts.append(path([*steps, (x.stop, steps[-1][1])], "frontier") if steps else join())
    for spot in spots:
        at = x(spot.x), y(spot.y.value)
        if spot.y.interval:
            parts.append(whisker(at[0], y(spot.y.interval[0]), y(spot.y.interval[1]), f"whisker {spot.kind}"))
        tip = element("title", f"{spot.label}: {spot.y.text()}")
        parts.append(element("circle", tip, cx=at[0], cy=at[1], r=5, class_=f"point {spot.kind}"))
    return Drawing(width, HEIGHT, join(*parts, *_labels(spots, x, y, width)))


def frontier(spots: Sequence[Spot]) -> list[Spot]:
    """Return the settings that no cheaper or equally cheap one beats, from cheap to dear."""
    best: list[Spot] = []
    for spot in sorted(spots, key=lambda item: (item.x, -item.y.value)):
        if not best or spot.y.value > best[-1].y.value:
            best.append(spot)
    return best


def _labels(spots: Sequence[Spot], x: Scale, y: Scale, width: float) -> list[Markup]:
    """Return the labels that find a free place, the frontier's first; the others are in the table and the tooltip."""
    first = frontier(spots)
    taken = [(x(spot.x) - 6, y(spot.y.value) - 6, x(spot.x) + 6, y(spot.y.value) + 6) for spot in spots]
    for spot in spots:
        if spot.y.interval:
            taken.append((x(spot.x) - 1, y(spot.y.interval[1]), x(spot.x) + 1, y(spot.y.interval[0])))
    parts = []
    for spot in [*first, *(spot for spot in spots if spot not in first)]:
        shown = fit(spot.label, LABEL_WIDTH)
        cx, cy, wide = x(spot.x), y(spot.y.value), text_width(shown)
        for left, base in ((cx + 9, cy + 4), (cx - 9 - wide, cy + 4), (cx + 7, cy - 10), (cx - 7 - wide, cy + 18)):
            box = (left, base - 11, left + wide, base + 3)
            inside = left > x.start and box[2] < width and box[1] > TOP - 8 and box[3] < BOTTOM
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                parts.append(text(left, base, shown, f"label halo {spot.kind}"))
                break
    return parts


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
