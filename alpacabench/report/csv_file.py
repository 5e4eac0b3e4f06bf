"""CSV files that spreadsheets open as what they are: rows of texts and numbers."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from alpacabench.security.output import shown

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}",
           "\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}")  # fmt: skip
"""What a text begins with that a spreadsheet would run as a formula (OWASP, CSV injection)."""


def write_rows(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], end: str = "\n") -> Path:
    """Write the columns of the rows and return the path; what a row lacks is empty, what is no column is left out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator=end)
        writer.writerow([cell(column) for column in columns])
        writer.writerows([cell(row.get(column, "")) for column in columns] for row in rows)
    return path


def cell(value: Any) -> Any:
    """Return a value as a cell: numbers as they are, a text that would be a formula behind an apostrophe."""
    if not isinstance(value, str):
        return value
    text = shown(value)
    return f"'{text}" if (value.startswith(FORMULA) or text.startswith(FORMULA)) else text
