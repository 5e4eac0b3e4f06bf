"""A small SVG writer: escaped elements, scales with round ticks, axes, and text that fits its place.

Colours come from the page's style sheet by class, so that one drawing serves light, dark and paper.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup, escape

from alpacabench.analysis.estimate import MINUS

FONT = 12.0
"""Font size of every label, in SVG units; a drawing is shown at about one unit per CSS pixel."""
GLYPH = 0.56
"""Mean width of a glyph, in font sizes."""


class Drawing(NamedTuple):
    """The content of one SVG and its size."""

    width: float
    height: float
    body: Markup


def element(tag: str, *children: str | Markup, **attributes: str | float | None) -> Markup:
    """Return one element; children that are no Markup are escaped; `class_` is class, `stroke_width` stroke-width."""
    # Escaped one by one and joined as text: Markup's own format takes ten times as long, and a page has a thousand.
    pairs = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    inner = "".join(escape(child) for child in children)
    return Markup(f"<{tag}{pairs}>{inner}</{tag}>")


def join(*parts: Markup) -> Markup:
    """Return the parts one after the other."""
    return Markup("").join(parts)


def text(x: float, y: float, content: str, class_: str = "label", anchor: str | None = None, **more: str) -> Markup:
    """Return a text whose baseline is at y; anchor is start (default), middle or end."""
    return element("text", content, x=x, y=y, class_=class_, text_anchor=anchor, **more)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """Return a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def path(points: Sequence[tuple[float, float]], class_: str, closed: bool = False) -> Markup:
    """Return a line through the points."""
    d = "M" + "L".join(f"{_plain(x)} {_plain(y)}" for x, y in points) + ("Z" if closed else "")
    return element("path", d=d, class_=class_)


def whisker(x: float, y1: float, y2: float, class_: str, cap: float = 4) -> Markup:
    """Return a vertical interval with caps."""
    d = f"M{_plain(x - cap)} {_plain(y1)}h{cap * 2}M{_plain(x)} {_plain(y1)}V{_plain(y2)}M{_plain(x - cap)} "
    return element("path", d=d + f"{_plain(y2)}h{cap * 2}", class_=class_)


def text_width(content: str, size: float = FONT) -> float:
    """Return about how wide a text is; wide characters (CJK) count twice."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in content)
    return (len(content) + wide) * GLYPH * size


def fit(content: str, width: float, size: float = FONT) -> str:
    """Return the text, cut with an ellipsis where it is wider than `width`."""
    content = " ".join(content.split())
    if text_width(content, size) <= width:
        return content
    while content and text_width(content + "…", size) > width:
        content = content[:-1]
    return content.rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear map from values to pixels, with its ticks."""

    low: float
    high: float
    start: float
    stop: float
    ticks: tuple[tuple[float, str], ...]

    def __call__(self, value: float) -> float:
        """Return the pixel of a value; values outside are held at the edge."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.stop - self.start)


def scale(values: Sequence[float], start: float, stop: float, limits: tuple[float, float] | None = None) -> Scale:
    """Return a scale over the values with round ends, kept within `limits`, with as many ticks as there is room for."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if low == high:
        low, high = low - 1, high + 1
    step = _round_step((high - low) / max(2, abs(stop - start) / 70))
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    if limits:
        low, high = max(low, limits[0]), min(high, limits[1])
    first = math.ceil(low / step - 1e-9)
    marks = [index * step for index in range(first, math.floor(high / step + 1e-9) + 1)]
    digits = next(d for d in range(16) if math.isclose(step * 10**d, round(step * 10**d), rel_tol=1e-6))
    return Scale(low, high, start, stop, tuple((mark, tick_text(mark, digits)) for mark in marks))


def tick_text(value: float, digits: int = 0) -> str:
    """Return a tick's label with a true minus sign."""
    written = f"{value:,.{digits}f}"
    return written.replace("-", MINUS) if written.strip("-0.,") else f"{0:.{digits}f}"


def bottom_axis(x: Scale, top: float, bottom: float, title: str) -> Markup:
    """Return grid lines, tick labels and title of a horizontal axis; it takes 40 units below `bottom`."""
    parts = [line(x(value), top, x(value), bottom, "grid") for value, _ in x.ticks]
    parts += [text(x(value), bottom + 16, label, "tick", "middle") for value, label in x.ticks]
    parts.append(line(x.start, bottom, x.stop, bottom, "axis"))
    centre = min((x.start + x.stop) / 2, x.stop + 12 - text_width(title) / 2)
    return join(*parts, text(centre, bottom + 35, title, "axis-title", "middle"))


def left_axis(y: Scale, left: float, right: float, title: str) -> Markup:
    """Return grid lines, tick labels and title of a vertical axis; the title stands level above the axis."""
    parts = [line(left, y(value), right, y(value), "grid") for value, _ in y.ticks]
    parts += [text(left - 7, y(value) + 4, label, "tick", "end") for value, label in y.ticks]
    return join(*parts, text(0, y.stop - 14, title, "axis-title"))


def tick_room(y: Scale) -> float:
    """Return the width that the labels of a vertical axis need."""
    return max((text_width(label) for _, label in y.ticks), default=0) + 12


def _round_step(rough: float) -> float:
    power: float = 10 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)


def _plain(value: str | float) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.1f}".removesuffix(".0")
