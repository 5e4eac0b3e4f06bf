"""Bars: a histogram with the interval of each count, and one stacked bar of shares."""

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
    join,
    left_axis,
    line,
    scale,
    text,
    text_width,
    tick_room,
    whisker,
)

HEIGHT = 330.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; `kind` is its colour: win, loss, draw or plain."""

    label: str
    estimate: Estimate
    kind: str = "plain"


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a stacked bar."""

    label: str
    size: int
    share: Estimate
    """Percent of the whole."""
    kind: str


def bars(items: Sequence[Bar], x_title: str, y_title: str, width: float) -> Drawing:
    """Draw vertical bars with intervals; labels that would touch are left out."""
    top, bottom = 34.0, HEIGHT - 46
    y = scale([0.0, *(end for bar in items for end in (bar.estimate.value, bar.estimate.high or 0))], bottom, top)
    left, right = tick_room(y), width - 6
    slot = (right - left) / len(items)
    every = 1 + int(max(text_width(bar.label) for bar in items) / slot)
    parts = [left_axis(y, left, right, y_title)]
    for index, bar in enumerate(items):
        x, centre = left + slot * (index + 0.12), left + slot * (index + 0.5)
        tip = element("title", f"{bar.label}: {bar.estimate.text()}")
        height = bottom - y(bar.estimate.value)
        parts.append(
            element("rect", tip, x=x, y=bottom - height, width=slot * 0.76, height=height, class_=f"bar {bar.kind}")
        )
        if bar.estimate.interval:
            low, high = bar.estimate.interval
            parts.append(whisker(centre, y(low), y(high), "whisker", cap=min(4, slot / 4)))
        if index % every == 0:
            parts.append(text(centre, bottom + 16, bar.label, "tick", "middle"))
    parts.append(line(left, bottom, right, bottom, "axis"))
    parts.append(text((left + right) / 2, bottom + 36, x_title, "axis-title", "middle"))
    return Drawing(width, HEIGHT, join(*parts))


def stacked(segments: Sequence[Segment], axis: str, width: float) -> Drawing:
    """Draw one horizontal bar of shares; brackets mark the intervals of the first and of the last share."""
    x = Scale(0, 100, 8, width - 12, tuple((value, str(value)) for value in range(0, 101, 20)))
    top, height, cursor = 44.0, 40.0, 0.0
    total = sum(segment.size for segment in segments)
    parts = [bottom_axis(x, top, top + height + 20, axis), _legend(segments, width)]
    for index, segment in enumerate(segments):
        left, cursor = cursor, cursor + (100 * segment.size / total if total else 0)
        tip = element("title", f"{segment.label}: {segment.size:,}, {segment.share.text()} %")
        size, room = f"{segment.size:,}", x(cursor) - x(left)
        parts.append(element("rect", tip, x=x(left), y=top, width=room, height=height, class_=f"bar {segment.kind}"))
        if text_width(size, 15) + 8 < room:
            parts.append(text((x(left) + x(cursor)) / 2, top + 26, size, f"inside {segment.kind}", "middle"))
        if segment.share.interval and index in (0, len(segments) - 1):
            ends = segment.share.interval if index == 0 else tuple(100 - end for end in segment.share.interval)
            parts.append(_bracket(x(min(ends)), x(max(ends)), top - 7 if index == 0 else top + height + 8))
    return Drawing(width, top + height + 64, join(*parts))


def _bracket(left: float, right: float, y: float) -> Markup:
    return join(
        *(
            line(a, y + dy, b, y + e, "whisker")
            for a, b, dy, e in ((left, right, 0, 0), (left, left, -4, 4), (right, right, -4, 4))
        )
    )


def _legend(segments: Sequence[Segment], width: float) -> Markup:
    parts = []
    for index, segment in enumerate(segments):
        x = 8 + index * (width - 16) / len(segments)
        parts.append(element("rect", x=x, y=6, width=11, height=11, rx=2, class_=f"bar {segment.kind}"))
        parts.append(text(x + 17, 16, f"{segment.label} {segment.share.value:.1f} %"))
    return join(*parts)
