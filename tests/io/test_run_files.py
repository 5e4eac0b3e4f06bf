"""Files of a run are written row by row, and hold the same bytes as a text that was built whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alpacabench.core.canonical import digest_rows
from alpacabench.core.records import digest
from alpacabench.io.run_files import write_json, write_rows

ROWS = [
    [],
    [{}],
    [
        {"instruction": "two\nlines, “quoted” \u2028 and \x7f", "preference": None},
        {"turns": ["a", "b"], "nested": {"a": [1]}},
    ],
    [1.5, "text", None, []],
]


@pytest.mark.parametrize("rows", ROWS)
def test_a_list_row_by_row_is_the_list_at_once(rows: list[object], tmp_path: Path) -> None:
    whole, by_row = write_json(tmp_path / "whole.json", rows), write_rows(tmp_path / "rows.json", iter(rows))
    assert by_row.read_bytes() == whole.read_bytes()
    assert json.loads(by_row.read_text()) == rows


@pytest.mark.parametrize("rows", ROWS)
def test_the_digest_of_rows_is_that_of_their_list(rows: list[object]) -> None:
    assert digest_rows(iter(rows)) == digest(rows)
