"""The tables and plots of a page, read back from the page: what stands there is what is exported."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

WIDE = re.compile(r'<svg [^>]*class="wide".*?</svg>', re.DOTALL)
HEADINGS = ("h2", "h3", "summary")


@dataclass(frozen=True)
class Item:
    """One table of a page, with the plot that shows the same where there is one."""

    name: str
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    svg: str = ""
    """The plot at the width of a page; its colours are classes of the style sheet."""


def items_of(page: str) -> list[Item]:
    """Return what a page of ours holds, in its order; each has a name of its own."""
    reader = _Reader()
    reader.feed(page.partition("</style>")[2])
    figures = re.findall(r'<figure [^>]*id="([^"]+)">(.*?)</figure>', page, re.DOTALL)
    drawings = {key: drawn[0] for key, body in figures if (drawn := WIDE.search(body))}
    found: list[Item] = []
    taken: set[str] = set()
    for table in reader.tables:
        name = table.figure or _slug(table.title)
        while name in taken:
            name += "-2"
        taken.add(name)
        if table.rows:
            found.append(Item(name, table.title, table.header, table.rows, drawings.get(table.figure, "")))
    return found


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "table"


@dataclass
class _Table:
    title: str
    figure: str
    header: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tables: list[_Table] = []
        self._heading = self._figure = ""
        self._inside: list[str] = []
        self._text, self._below = "", False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "figure":
            self._figure = given.get("id") or ""
        elif tag == "table":
            self.tables.append(_Table(self._heading, self._figure))
            self._inside = ["table"]
        elif tag in ("thead", "tbody"):
            self._inside.append(tag)
        elif tag == "tr" and self._inside and self._inside[-1] == "tbody":
            self.tables[-1].rows.append([])
        elif tag in ("th", "td") or tag in HEADINGS and not self._inside:
            self._text = ""
        elif tag == "span" and given.get("class") == "below":
            self._text, self._below = f"{self._text} (", True

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        text = " ".join(self._text.split())
        if tag == "figure":
            self._figure = ""
        elif tag == "table":
            self._inside = []
        elif tag in ("thead", "tbody") and self._inside:
            self._inside.pop()
        elif tag in ("th", "td") and self._inside:
            if self._inside[-1] == "thead":
                self.tables[-1].header.append(text)
            elif self.tables[-1].rows:
                self.tables[-1].rows[-1].append(text)
        elif tag == "span" and self._below:
            self._text, self._below = f"{self._text})", False
        elif tag in HEADINGS and not self._inside and not (tag == "summary" and self._figure):
            self._heading = text
