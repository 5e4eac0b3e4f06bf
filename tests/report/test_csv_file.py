"""CSV files: no text of theirs is a formula to a spreadsheet, and numbers stay numbers."""

from __future__ import annotations

import csv
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from alpacabench.report.csv_file import FORMULA, cell, write_rows
from alpacabench.report.leaderboard_csv import write_leaderboard
from alpacabench.report.page import write_page


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=()), max_size=20), min_size=1, max_size=4))
def test_no_cell_is_a_formula_and_any_text_is_one_cell(texts: list[str], tmp_path_factory: object) -> None:
    path = Path(str(tmp_path_factory.mktemp("csv"))) / "a.csv"  # type: ignore[attr-defined]
    columns = [f"c{number}" for number in range(len(texts))]
    write_rows(path, columns, [dict(zip(columns, texts, strict=True))])
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == columns and [len(row) for row in rows] == [len(texts)]
    assert not [text for text in rows[0] if text.startswith(FORMULA)]


def test_numbers_stay_numbers_and_texts_that_are_none_stay_as_they_are() -> None:
    assert [cell(value) for value in (-1.5, -3, None, True, "gpt-4", "a=b")] == [-1.5, -3, None, True, "gpt-4", "a=b"]
    given_and_shown = {
        "=cmd|' /C calc'!A0": "'=cmd|' /C calc'!A0", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)",
        "\t=1": "'\t=1", "\r=1": "'␍=1", "a\x1b[2J": "a␛[2J",
    }  # fmt: skip
    assert {text: cell(text) for text in given_and_shown} == given_and_shown


def test_a_models_name_is_text_in_the_leaderboard_and_on_a_page(tmp_path: Path) -> None:
    write_leaderboard(tmp_path / "leaderboard.csv", "=HYPERLINK(1)", {"win_rate": 50.0})
    assert (tmp_path / "leaderboard.csv").read_text().splitlines()[1].startswith("'=HYPERLINK(1),50.0")
    (tmp_path / "templates").mkdir()
    page = write_page(tmp_path / "page.html", "base.html", title="a\u202eb\x1b\ud800", about={}, warnings=[])
    html = page.read_text(encoding="utf-8")
    assert "\u202e" not in html and "\x1b" not in html and "␛" in html
