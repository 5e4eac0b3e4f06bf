"""Rows of tables: CSV with whatever separator its header shows, and Parquet. An empty cell is a gap, and so is NaN."""

from __future__ import annotations

import csv
import io
from itertools import islice
from typing import Any

from alpacabench.core.errors import DataError

KNOWN = frozenset({"instruction", "output", "preference", "prompt", "generator"})
"""A header with one of these was split at the right separator."""
SEPARATORS = (",", "\t", ";", "|")
GAPS = ("", "nan", "NaN")
"""Cells that are gaps: pandas writes the last two where it was told to."""
SHORT = object()
"""Stands for the fields that a row lacks."""


def table_rows(text: str, where: str) -> list[dict[str, Any]]:
    """Return the rows of a CSV text.

    Raises:
        DataError: the header is none, or a row has another number of fields than it; starts with `where`.
        csv.Error: the quotes are broken.

    """
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))  # the default cuts off long answers
    text = text.lstrip("\r\n")
    first, _, rest = text.partition("\n")
    named = first.strip().lower()
    # Excel writes its separator so.
    text, separators = (rest, (named[4:5],)) if named.startswith("sep=") and len(named) == 5 else (text, SEPARATORS)
    separator = next((s for s in separators if KNOWN & set(_header(text, s))), separators[0])
    names = _header(text, separator)
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise DataError(f"{where}: the header names {', '.join(map(repr, twice))} twice\n    keep one of the columns")
    reader = csv.DictReader(
        io.StringIO(text, newline=""), fieldnames=names, restval=SHORT, delimiter=separator, strict=True
    )
    rows: list[dict[str, Any]] = []
    for number, row in enumerate(islice(reader, 1, None), start=1):
        _check_width(row, f"{where}, row {number}", names)
        rows.append({name: None if value in GAPS else value for name, value in row.items()})
    return rows


def _header(text: str, separator: str) -> list[str]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    return [name.strip() for name in next(reader, [])]


def _check_width(row: dict[Any, Any], where: str, names: list[str]) -> None:
    if None in row:
        raise DataError(
            f"{where}: {len(row[None])} more fields than the header names, from {row[None][0][:80]!r}\n"
            "    put double quotes around a text that has commas or line breaks in it"
        )
    width = sum(value is not SHORT for value in row.values())
    if width < len(names):
        raise DataError(
            f"{where}: {width} fields, but the header names {len(names)}: {', '.join(names)}\n"
            "    put double quotes around a text that has line breaks in it"
        )


def parquet_rows(data: bytes, where: str) -> list[dict[str, Any]]:
    """Return the rows of a Parquet file.

    Raises:
        DataError: the file is broken, or what reads it is not installed; starts with `where`.

    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise DataError(f"{where} is Parquet\n    pip install pyarrow, or save it as .jsonl") from error
    try:
        rows: list[dict[str, Any]] = pyarrow.parquet.read_table(io.BytesIO(data)).to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{where}: broken Parquet: {error}\n    mend the file, or name another one") from error
    return rows
