"""The explorer in a real browser, from file:// without a network: 10,000 prompts of two jobs without a stutter.

ALPACABENCH_PICTURES=docs/images keeps the picture that the documentation shows.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alpacabench.report.explorer_page import write_explorer
from tests.helpers.explorer_data import MAIL, explorer
from tests.helpers.report_data import ATTACKS

pytestmark = pytest.mark.browser
WIDE, PHONE = {"width": 1380, "height": 860}, {"width": 390, "height": 800}
MOST = 200
"""Milliseconds until what was asked for is on the screen."""
TIMED = """async ([id, kind, value]) => {
  const node = document.querySelector(id), start = performance.now();
  if (kind === "click") node.click();
  else { node.value = value; node.dispatchEvent(new Event(kind)); }
  document.body.getBoundingClientRect();
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return [performance.now() - start, document.body.dataset.shown];
}"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="pip install 'alpacabench[browser]'")
    program = shutil.which("chromium")
    if not program:
        pytest.skip("Debian's chromium is absent: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_explorer(tmp_path_factory.mktemp("many") / "sweep.html", explorer(10_000))


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_explorer(tmp_path_factory.mktemp("few") / "sweep.html", explorer(120, settings=6))


def opened(browser: Any, path: Path, address: str = "", **options: Any) -> Any:
    """Open the page; whatever is written to the console or asked of a network fails the test that looks."""
    context = browser.new_context(**{"viewport": WIDE, "offline": True} | options)
    page = context.new_page()
    page.said = []
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(("file:", "blob:")) else page.said.append(asked.url))
    page.goto(f"{path.as_uri()}{address}")
    page.wait_for_function("document.body.dataset.ready", timeout=30_000)
    return page


def test_ten_thousand_prompts_answer_at_once(chromium: Any, many: Path) -> None:
    page = opened(chromium, many)
    page.wait_for_timeout(2_500)  # "after load": it prepares the search while nobody waits
    rows = explorer(10_000).rows
    flipped = {
        row.index: (row.answers[1].score > 50) - (row.answers[0].score > 50)
        for row in rows
        if all(one and one.score is not None for one in row.answers)
    }
    wanted = [row for row in rows if flipped.get(row.index)]
    coding = [row for row in wanted if row.category == "coding"]
    steps = [
        (("#search", "input", "zeros trailing"), sum("trailing zeros" in row.instruction for row in rows)),
        (("#search", "input", "2nd one surprises"), None),
        (("#clear", "click", ""), 10_000),
        (("#verdict", "change", "flipped"), len(wanted)),
        (("#category", "change", "coding"), len(coding)),
        (("#sort", "change", "length"), len(coding)),
        (("#turn", "click", ""), len(coding)),
        (("#clear", "click", ""), 10_000),
        (("#sort", "change", "length"), 10_000),
        (("[aria-label='Next prompt']", "click", ""), 10_000),
    ]  # fmt: skip
    took = {}
    for number, (step, shown) in enumerate(steps):
        milliseconds, found = page.evaluate(TIMED, list(step))
        took[f"{number} {step}"] = round(milliseconds)
        assert shown is None or int(found) == shown, step
    assert page.locator(".detail .side pre").count() == 2
    assert max(took.values()) < MOST, took
    by_length = "{query: '', verdict: '', category: '', source: '', flag: '', sort: 'length', left: 0, right: 1}"
    lengths = page.evaluate(f"Rows.choose({by_length}).map((one) => one.answers[1]?.length ?? null)")
    known = [value for value in lengths if value is not None]
    assert known == sorted(known) and set(lengths[len(known) :]) == {None}
    page.evaluate("document.getElementById('scroller').scrollTop = 200000")
    page.wait_for_timeout(200)
    assert page.locator(".line").count() < 60
    assert not page.said


def test_nothing_that_a_model_wrote_becomes_markup(chromium: Any, few: Path) -> None:
    page = opened(chromium, few)
    for index in range(len(ATTACKS)):
        page.keyboard.press("j") if index else None
        assert ATTACKS[index] in page.locator(".detail .side pre").first.inner_text()
    assert (
        page.title() == "Sweep: temperature: explorer" and not page.locator("img, iframe, h1 >> text=escaped").count()
    )
    assert page.locator("#title").inner_text() == "Sweep: temperature" and not page.said
    inject = "() => { try { document.body.innerHTML = '<b>x</b>'; return 'set'; } catch { return 'refused'; } }"
    assert page.evaluate(inject) == "refused"


def test_keys_search_marks_and_addresses(chromium: Any, few: Path) -> None:
    page = opened(chromium, few, "#p=27")
    assert page.locator(".detail h2").inner_text().startswith("Prompt 27")
    assert page.locator(".side .flags li").first.inner_text() == "privacy: email"
    marks = page.locator("#marks")
    if marks.is_checked():
        page.keyboard.press("d")
    assert page.locator(".side mark").first.inner_text() == MAIL
    page.keyboard.press("d")
    assert marks.is_checked() and page.locator(".side ins, .side del").count()
    assert page.locator(".who select").last.input_value() == "1"
    page.keyboard.press("l")
    assert page.locator(".who select").last.input_value() == "2"
    page.keyboard.press("k")
    assert page.locator(".detail h2").inner_text().startswith("Prompt 26") and page.url.endswith("#p=26")
    page.keyboard.press("/")
    page.keyboard.type('"trailing zeros" -coding')
    shown = page.locator("#count").inner_text()
    assert " of 120 prompts" in shown and "query=" in page.url
    page.select_option("#flag", "check:privacy")
    rows = page.locator(".line").all_inner_texts()
    assert all("trailing" in row for row in rows)
    again = opened(chromium, few, page.url.partition("explorer.html")[2])
    assert again.locator("#search").input_value() == '"trailing zeros" -coding' and again.locator("#flag").input_value()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", ["wide", "phone"])
def test_it_fits_a_phone_and_a_desk_light_and_dark(chromium: Any, few: Path, screen: str, scheme: str) -> None:
    page = opened(chromium, few, viewport=PHONE if screen == "phone" else WIDE, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if screen == "phone":
        assert page.locator(".list").is_visible() and not page.locator(".detail").is_visible()
        page.locator(".line").nth(8).click()
        assert page.locator(".detail").is_visible() and not page.locator(".list").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.locator(".back").click()
        assert page.locator(".list").is_visible()
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, colour[4:-1].split(","))) < 200) == (scheme == "dark")
    assert not page.said


def test_the_picture_of_the_readme(chromium: Any, tmp_path: Path) -> None:
    content = explorer(805, settings=4)
    # Without the attacks, and without letters for which a machine may lack a font.
    rows = [row for row in content.rows[len(ATTACKS) :] if max(map(ord, row.instruction)) < 0x300]
    page = opened(chromium, write_explorer(tmp_path / "sweep.html", replace(content, rows=rows)))
    page.select_option("#verdict", "flipped")
    while page.locator(".side ins").count() < 4:
        page.keyboard.press("j")
    picture = Path(os.environ.get("ALPACABENCH_PICTURES", tmp_path)) / "explorer.png"
    page.screenshot(path=picture)
    assert picture.stat().st_size > 20_000
