"""The shell of every page: templates with escaping on, figures at three widths, one file without scripts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from alpacabench.analysis import estimate
from alpacabench.core.printable import printable
from alpacabench.report.svg import Drawing, element
from alpacabench.security.redact import redact_answers

WIDTHS = (("narrow", 334.0), ("medium", 500.0), ("wide", 980.0))
"""Each plot is drawn for a phone, for half a desktop page and for a whole one; the style sheet shows what fits."""
MAX_TEXT = 8000
"""Characters of one answer that a page shows."""


@dataclass(frozen=True)
class Figure:
    """A plot with its title, its explanation and the same data as a table."""

    key: str
    title: str
    caption: str
    drawings: tuple[Markup, ...]
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    wide: bool
    """Whether it takes the whole width of a desktop page."""


def figure(
    key: str,
    title: str,
    caption: str,
    draw: Callable[[float], Drawing],
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    wide: bool = False,
) -> Figure:
    """Draw a plot at each width; `key` is unique on its page; `rows` are the data for those who cannot see the plot."""
    drawings = tuple(_svg(f"{key}-{name}", name, title, caption, draw(width)) for name, width in WIDTHS)
    return Figure(key, title, caption, drawings, tuple(header), tuple(tuple(row) for row in rows), wide)


def write_page(path: Path | str, template: str, **content: Any) -> Path:
    """Render a template with its content and write it; text in the content is escaped."""
    html = render(template, **content)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(printable(redact_answers(html)), encoding="utf-8", newline="\n")
    return path


def render(template: str, **content: Any) -> str:
    """Return a template with its content; text in the content is escaped."""
    return _environment().get_template(template).render(**content)


def _svg(key: str, name: str, title: str, caption: str, drawing: Drawing) -> Markup:
    return element(
        "svg",
        element("title", title, id=f"{key}-title"),
        element("desc", caption, id=f"{key}-desc"),
        drawing.body,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {drawing.width:g} {drawing.height:g}",
        class_=name,
        role="img",
        aria_labelledby=f"{key}-title {key}-desc",
        style=f"max-width:{drawing.width * 1.25:g}px",
    )


def _shorten(answer: str | None) -> str:
    """Return an answer as the page shows it."""
    if answer is None:
        return "(no answer)"
    if not answer.strip():
        return "(empty answer)"
    left_out = len(answer) - MAX_TEXT
    return answer if left_out <= 0 else f"{answer[:MAX_TEXT]}\n[… {left_out:,} more characters]"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("alpacabench.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in (
        estimate.decimal,
        estimate.count,
        estimate.significant,
        estimate.probability,
        estimate.dollars,
        estimate.duration,
    ):
        environment.filters[function.__name__] = function
    environment.filters["answer"] = _shorten
    return environment
