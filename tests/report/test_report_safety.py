"""Every page is one file without scripts, whatever the models wrote."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from alpacabench.analysis.ablation.answer import answer
from alpacabench.report.ablation_report import write_ablation_report
from alpacabench.report.compare_report import write_compare_report
from alpacabench.report.leaderboard_report import write_leaderboard_report
from alpacabench.report.run_report import write_run_report
from alpacabench.report.sweep_report import write_sweep_report
from tests.helpers.ablation_data import planted
from tests.helpers.report_data import ABOUT, METRICS, SCRIPT, WARNINGS, comparison, leaderboard, run, sweep

VOID = {"meta", "img", "br", "link", "input"}
PAGES: dict[str, Callable[[Path], Path]] = {
    "run": lambda path: write_run_report(path, run(), METRICS, ABOUT, WARNINGS),
    "sweep": lambda path: write_sweep_report(path, sweep()),
    "compare": lambda path: write_compare_report(path, comparison()),
    "leaderboard": lambda path: write_leaderboard_report(path, leaderboard()),
    "ablation": lambda path: write_ablation_report(path, answer(planted())),
}


class Page(HTMLParser):
    """What a browser would make of the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(params=PAGES, scope="module")
def html(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return PAGES[request.param](tmp_path_factory.mktemp("pages") / "page.html").read_text(encoding="utf-8")


def test_text_of_models_never_becomes_markup(html: str) -> None:
    page = Page(html)
    assert SCRIPT in page.text
    assert not {"script", "img", "iframe", "link", "object", "form"} & set(page.tags)
    assert page.tags["style"] == page.tags["body"] == page.tags["h1"] == 1
    assert not [entry for entry in page.attributes if entry[1].startswith("on")]
    assert "49" not in page.text.partition("{{ 7 * 7 }}")[2][:3]


def test_every_element_is_closed_in_order(html: str) -> None:
    assert Page(html).open == []


def test_a_page_loads_nothing(html: str) -> None:
    page = Page(html)
    assert not [entry for entry in page.attributes if entry[1] in {"src", "href", "srcset", "data", "action"}]
    assert "url(" not in html.partition("</style>")[0]
    policy = next(
        value for tag, name, value in page.attributes if tag == "meta" and name == "content" and "src" in value
    )
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_ids_are_unique_and_each_plot_names_itself(html: str) -> None:
    page = Page(html)
    ids = [value for _, name, value in page.attributes if name == "id"]
    named = [value.split() for tag, name, value in page.attributes if tag == "svg" and name == "aria-labelledby"]
    assert len(ids) == len(set(ids))
    assert len(named) == page.tags["svg"] > 0
    assert {key for pair in named for key in pair} <= set(ids)


def test_each_plot_is_well_formed_with_finite_numbers_and_a_table_beside_it(html: str) -> None:
    plots = [f"<svg{part.partition('</svg>')[0]}</svg>" for part in html.split("<svg")[1:]]
    for plot in plots:
        drawing = ElementTree.fromstring(plot)
        assert not [v for node in drawing.iter() for v in node.attrib.values() if "nan" in v or "inf " in f"{v} "]
    assert html.count("Data as a table") == html.count("<figure")


def test_characters_that_html_cannot_hold_are_replaced(html: str) -> None:
    assert not [letter for letter in html if ord(letter) < 32 and letter not in "\t\n\r"]
