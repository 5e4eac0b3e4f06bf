"""What a page concludes stands in the registry of sentences, and is as true on the page as it was in memory."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from alpacabench.analysis.ablation.answer import answer
from alpacabench.analysis.ablation.variant import System, Variant
from alpacabench.analysis.compare.comparison import compare
from alpacabench.analysis.compare.page import page_of
from alpacabench.report.ablation_report import write_ablation_report
from alpacabench.report.compare_report import write_compare_report
from alpacabench.report.run_report import write_run_report
from alpacabench.report.sweep_report import write_sweep_report
from alpacabench.report.sweep_terminal import show
from alpacabench.scoring.scoring import Difficulties, Scoring
from tests.helpers import planted as plant
from tests.helpers.planted import Planted
from tests.helpers.said import TRUTHS, table_of, which
from tests.helpers.truths import Known

PLANTED = {
    "null": Planted("hard", 60, (40.0, 40.0, 40.0, 40.0)), "large": Planted("hard", 90, (40.0, 40.0, 75.0, 10.0)),
    "lost": Planted("loss", 40, (40.0,) * 4), "missing": Planted("ties", 60, (40.0, 60.0, 40.0, 40.0), 0.2),
    "one": Planted("hard", 1, (40.0,) * 4), "copies": Planted("hard", 60, (40.0,) * 4, copies=True),
}  # fmt: skip
SMALL = {what: PLANTED[what] for what in ("null", "lost", "missing", "one")}
CONCLUDES = re.compile(
    r"\b(better|worse|best|worst|differs?|equivalent|robust|sensitive|significant|established|separated|proves?|chance"
    r"|bias|prefers|concluded|shown (?:not )?to|highest|accounts for)\b",
    re.IGNORECASE,
)
HEADING_OF_A_RUN = re.compile(r"[\d.]+% win rate of .* against .*|.* against .*: no score")


def written(folder: Path, planted: Planted) -> dict[str, str]:
    """Return the pages of a run, a pair, a sweep and an ablation; of those that have one."""
    y, pages = planted.draw(0), {}
    one = plant.judged(planted, 0)
    examples = [outcome.prompt.example for outcome in one.outcomes]
    scores = Scoring(bootstrap=200).score(one.outcomes, examples, Difficulties(None, "none"), "judge")
    pages["run"] = write_run_report(folder / "run.html", one.outcomes, scores.metrics, {}, ())
    pages["sweep"] = write_sweep_report(folder / "sweep.html", table_of(y))
    if (~np.isnan(y[0] + y[1])).sum() > 1:
        pair = page_of(compare(plant.run("A", y[0].tolist()), plant.run("B", y[1].tolist())))
        pages["compare"] = write_compare_report(folder / "compare.html", pair)
        names = ("base", "floor_1", "typos_low", "casing_low")
        base, floor, *variants = (Variant(n, plant.run(n, row.tolist())) for n, row in zip(names, y, strict=True))
        pages["ablation"] = write_ablation_report(folder / "a.html", answer(System(base, tuple(variants), (floor,))))
    return {name: path.read_text(encoding="utf-8") for name, path in pages.items()}


def plain(part: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", part)).split())


def concluding(page: str) -> list[str]:
    """Return the heading, the findings and the warnings of a page."""
    body = page.partition("</style>")[2]
    parts = re.findall(r"<h1>(.*?)</h1>", body, re.DOTALL)
    for block in re.findall(
        r'<ul class="findings">(.*?)</ul>|<section class="warnings".*?<ul>(.*?)</ul>', body, re.DOTALL
    ):
        parts += re.findall(r"<li>(.*?)</li>", "".join(block), re.DOTALL)
    return [plain(part) for part in parts]


def explaining(page: str) -> set[str]:
    """Return every other sentence of a page that has a word of a conclusion; figures are left out."""
    body = re.sub(r"<(h1|style|script)\b.*?</\1>|<(ul class=\"findings\"|section class=\"warnings\").*?</ul>", "",
                  page.partition("</style>")[2], flags=re.DOTALL)  # fmt: skip
    texts = (plain(part) for part in re.findall(r">([^<]{30,})<", body))
    told = [text for text in texts if CONCLUDES.search(text) and len(text.split()) > 5 and not text.startswith("s=")]
    found = {re.sub(r"[\d.,]+", "#", text) for text in told}
    return {text for text in found if "(# to #)" not in text.replace("+", "").replace("−", "")}  # a figure's label


@pytest.mark.parametrize("what", PLANTED)
def test_heading_findings_and_warnings_are_sentences_of_the_registry(what: str, tmp_path: Path) -> None:
    for name, page in written(tmp_path, PLANTED[what]).items():
        for text in concluding(page):
            assert which(text)[0] or (name == "run" and HEADING_OF_A_RUN.fullmatch(text)), (name, text)


def test_what_explains_elsewhere_on_a_page_is_the_same_whatever_was_planted(tmp_path: Path) -> None:
    pages = {what: written(tmp_path / what, planted) for what, planted in SMALL.items()}
    for name in ("run", "sweep", "compare", "ablation"):
        texts = {what: explaining(page[name]) for what, page in pages.items() if name in page}
        for what, found in texts.items():
            others: set[str] = set().union(*(other for which_, other in texts.items() if which_ != what))
            assert not found - others, f"only on the {name} page of {what}: {found - others}"


def test_the_terminal_says_what_the_registry_has(capsys: pytest.CaptureFixture[str]) -> None:
    for planted in PLANTED.values():
        y = planted.draw(0)
        show(table_of(y))
        known = Known(planted, y, tuple(f"s={number}" for number in range(len(y))))
        told = _bullets(capsys.readouterr().out.splitlines())
        assert told
        for text in told:
            name, fields = which(text)
            assert name and TRUTHS[name](fields, known), text


def _bullets(lines: Iterable[str]) -> list[str]:
    return [line[2:] for line in lines if line.startswith("- ")]
