"""The labelling page in a real browser: by keyboard on a laptop, by thumb on a phone, and nothing is lost.

ALPACABENCH_PICTURES=docs/images keeps the picture that the documentation shows.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alpacabench.analysis.finished_run import FinishedRun, read_run
from alpacabench.analysis.trust.blinding import draw, read_policy
from alpacabench.analysis.trust.labels import read_labels
from alpacabench.report.label_page import write_label_page
from tests.helpers.finished_runs import annotation_rows, write_annotations

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is absent: pip install 'alpacabench[browser]'")
pytestmark = pytest.mark.browser
LAPTOP = {"viewport": {"width": 1366, "height": 768}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
LINE = "        print(line.rstrip(), 'a long comment that does not fit on any phone', end='\\n', flush=True)\n"
LONG = (
    "Read the file line by line.\n\n```python\nwith open(path) as file:\n    for line in file:\n"
    + LINE * 30
    + "```\nThat is all. <b>Not bold</b>\n"
)

OTHER = """Join the orders with the latest time of each customer:

```sql
SELECT o.*
FROM orders AS o
JOIN (
    SELECT customer_id, MAX(ordered_at) AS latest
    FROM orders
    GROUP BY customer_id
) AS m ON m.customer_id = o.customer_id AND m.latest = o.ordered_at;
```

An **index** on `(customer_id, ordered_at)` makes this fast."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not shutil.which("chromium"):
        pytest.skip("Debian's chromium is absent: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def run(tmp_path: Path) -> FinishedRun:
    return read_run(str(write_annotations(tmp_path / "run.json", annotation_rows([1.5] * 12))))


@pytest.fixture
def labels(run: FinishedRun, tmp_path: Path) -> Path:
    return write_label_page(tmp_path / "labels.html", draw([run], 10, 0).pairs, read_policy(None))


@pytest.fixture
def laptop(browser: Any) -> Iterator[Any]:
    yield from opened(browser, LAPTOP)


@pytest.fixture
def phone(browser: Any) -> Iterator[Any]:
    yield from opened(browser, PHONE)


def opened(browser: Any, device: dict[str, Any]) -> Iterator[Any]:
    """Yield a page that has no network; a message of the console or a request is a failure."""
    context = browser.new_context(**device, accept_downloads=True, offline=True)
    page, said = context.new_page(), []
    page.set_default_timeout(10_000)
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on(
        "request", lambda request: said.append(request.url) if not request.url.startswith(("file:", "blob:")) else 0
    )
    yield page
    context.close()
    assert not said


def start(page: Any, path: Path, name: str) -> None:
    page.goto(path.as_uri())
    page.fill("#name", name)
    page.press("#name", "Enter")


def choose(page: Any, wants: str) -> None:
    """Press the key of the answer that begins with these words."""
    page.keyboard.press("1" if page.inner_text("#first").startswith(wants) else "2")


def export(page: Any, kind: str, where: Path) -> Path:
    with page.expect_download() as download:
        page.click(f"[data-format={kind}]:visible")
    download.value.save_as(where / download.value.suggested_filename)
    return where / str(download.value.suggested_filename)


def test_ten_pairs_by_keyboard_a_reload_and_two_people(
    laptop: Any, labels: Path, run: FinishedRun, tmp_path: Path
) -> None:
    start(laptop, labels, "Ann")
    for _ in range(4):
        choose(laptop, "answer")
    laptop.keyboard.press("t")
    laptop.reload()
    assert laptop.inner_text("#count") == "5 of 10 labelled" and laptop.input_value("#jump") == "6"
    laptop.keyboard.press("c")
    for _ in range(4):
        choose(laptop, "answer")
    assert laptop.inner_text("#end h1") == "All labelled. Thank you."
    files = [export(laptop, "json", tmp_path), export(laptop, "csv", tmp_path)]
    rows = json.loads(files[0].read_text())
    assert [set(row) for row in rows] == [{"id", "labeller", "preference", "policy", "at"}] * 10
    assert [row["preference"] for row in rows][4:6] == [1.5, None] and {row["labeller"] for row in rows} == {"Ann"}
    with files[1].open(newline="") as file:
        assert [{**row, "preference": float(row["preference"] or "nan")} for row in csv.DictReader(file)] == [
            pytest.approx({**row, "preference": row["preference"] or float("nan")}, nan_ok=True) for row in rows
        ]
    assert read_labels([str(files[0])], run).keys() == read_labels([str(files[1])], run).keys() == {"Ann"}

    laptop.click("#who")
    laptop.fill("#name", "Béa, the 2nd")
    laptop.press("#name", "Enter")
    assert laptop.inner_text("#count") == "0 of 10 labelled"
    for _ in range(10):
        choose(laptop, "answer")
    second = export(laptop, "csv", tmp_path)
    repeated = annotation_rows([1.0] * 12)[::-1]
    again = read_run(str(write_annotations(tmp_path / "again.json", repeated)))
    found = read_labels([str(files[0]), str(second)], again)
    assert sorted(value for value in found["Béa, the 2nd"] if value == value) == [2] * 10
    assert sorted(value for value in found["Ann"] if value == value) == [1.5] + [2] * 8
    laptop.reload()
    laptop.click("#who")
    laptop.click("text=Ann (10)")
    assert laptop.inner_text("#summary").endswith("1 ties, 1 cannot say.")


def test_undo_jump_and_another_choice(laptop: Any, labels: Path) -> None:
    start(laptop, labels, "Ann")
    for key in ("1", "2", "t"):
        laptop.keyboard.press(key)
    laptop.keyboard.press("u")
    assert (laptop.inner_text("#count"), laptop.input_value("#jump")) == ("2 of 10 labelled", "3")
    laptop.keyboard.press("ArrowLeft")
    assert laptop.get_attribute("[data-choice=second]", "aria-pressed") == "true"
    laptop.keyboard.press("1")
    laptop.reload()
    laptop.keyboard.press("u")
    assert laptop.input_value("#jump") == "2"
    assert laptop.get_attribute("[data-choice=second]", "aria-pressed") == "true"
    laptop.keyboard.press("g")
    laptop.keyboard.type("9")
    laptop.keyboard.press("Enter")
    assert laptop.input_value("#jump") == "9" and laptop.inner_text("#count") == "2 of 10 labelled"
    laptop.keyboard.press("t")
    laptop.keyboard.press("n")
    laptop.keyboard.press("n")
    assert laptop.input_value("#jump") == "4"
    laptop.keyboard.press("Control+1")
    assert laptop.inner_text("#count") == "3 of 10 labelled"


def test_two_tabs_lose_nothing(browser: Any, labels: Path) -> None:
    context = browser.new_context(**LAPTOP)
    one, two = context.new_page(), context.new_page()
    start(one, labels, "Ann")
    two.goto(labels.as_uri())
    one.keyboard.press("1")
    two.keyboard.press("ArrowRight")
    two.keyboard.press("ArrowRight")
    two.keyboard.press("2")
    one.keyboard.press("t")
    for tab in (one, two):
        tab.wait_for_function("document.querySelector('#count').textContent == '3 of 10 labelled'")
    one.reload()
    assert one.inner_text("#count") == "3 of 10 labelled"
    context.close()


def test_a_browser_that_keeps_nothing_is_told(browser: Any, labels: Path, tmp_path: Path) -> None:
    context = browser.new_context(**LAPTOP, accept_downloads=True)
    page = context.new_page()
    page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('no') }})")
    start(page, labels, "Ann")
    page.keyboard.press("1")
    assert "export before you close it" in page.inner_text("#alert")
    page.keyboard.press("e")
    assert len(json.loads(export(page, "json", tmp_path).read_text())) == 1
    context.close()


def long_page(tmp_path: Path) -> Path:
    rows = annotation_rows([1.5] * 3, output_1=LONG, output_2=LONG.replace("line by line", "at once"))
    run = read_run(str(write_annotations(tmp_path / "long.json", rows)))
    return write_label_page(tmp_path / "long.html", draw([run], 3, 0).pairs, read_policy(None))


def test_by_thumb_on_a_phone(phone: Any, tmp_path: Path) -> None:
    start(phone, long_page(tmp_path), "Ann")
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for choice in ("first", "tie", "second", "cannot_say"):
        box = phone.locator(f"[data-choice={choice}]").bounding_box()
        assert box["height"] >= 44 and box["y"] + box["height"] <= 844 and box["y"] > 600
    assert phone.locator("#second").bounding_box()["height"] <= 0.63 * 844
    phone.set_viewport_size({"width": 844, "height": 390})
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert phone.locator("#choices").bounding_box()["height"] < 80
    phone.tap("[data-choice=second]")
    phone.tap("[data-choice=cannot_say]")
    phone.tap("#undo")
    phone.tap("[data-choice=tie]")
    assert phone.inner_text("#count") == "2 of 3 labelled"


def test_long_answers_scroll_side_by_side(laptop: Any, tmp_path: Path) -> None:
    start(laptop, long_page(tmp_path), "Ann")
    assert laptop.evaluate("document.documentElement.scrollHeight <= innerHeight")
    first, second = (laptop.locator(name).bounding_box() for name in ("#first", "#second"))
    assert first["y"] == second["y"] and first["x"] + first["width"] <= second["x"]
    laptop.keyboard.press("ArrowDown")
    assert laptop.evaluate("[first.scrollTop, second.scrollTop].every((top) => top > 0)")
    assert laptop.locator("#first pre").count() == 1 and laptop.locator("#first b").count() == 0
    assert "<b>Not bold</b>" in laptop.inner_text("#first")


@pytest.mark.skipif("ALPACABENCH_PICTURES" not in os.environ, reason="pictures are kept where they are asked for")
def test_picture(laptop: Any, tmp_path: Path) -> None:
    from alpacabench.analysis.trust.blinding import blind
    from alpacabench.io.rows import read_rows

    row = next(row for row in read_rows(Path("alpacabench/dataset/demo.jsonl"), "demo") if "SQL" in row["instruction"])
    pairs = [blind(f"{row['instruction']}{' ' * n}", row["output"], OTHER) for n in range(10)]
    start(laptop, write_label_page(tmp_path / "labels.html", pairs, read_policy(None)), "Ann")
    for key in ("1", "2", "t"):
        laptop.keyboard.press(key)
    laptop.screenshot(path=f"{os.environ['ALPACABENCH_PICTURES']}/labels.png")
