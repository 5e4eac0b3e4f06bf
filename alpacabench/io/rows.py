"""Read rows of JSON, CSV and Parquet files: the one reader for prompts, outputs and annotations."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from alpacabench.core.errors import DataError, Problem
from alpacabench.io.json_rows import json_rows
from alpacabench.io.tables import parquet_rows, table_rows
from alpacabench.io.unpack import ENDINGS, content, text_of

Row = dict[str, Any]

FAILED, DRAW = -1.0, 0.0
"""alpaca_eval's old codes in `preference`."""

SUFFIXES = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet")


def read_rows(path: str | Path, key: str) -> list[Row]:
    """Return the rows of a file; what is missing in them is None, however it is written (null, NaN, an empty cell).

    Args:
        path: JSON (a list of objects, or one per line), CSV or Parquet, also packed by gzip, bzip2 or xz.
        key: the config key that names the file, for messages.

    Raises:
        DataError: the file is missing, broken or of another kind; names the file and the row.

    """
    path = Path(path).expanduser()
    for problem in missing_file(path, key):
        raise DataError(str(problem))
    name = path.with_suffix("") if path.suffix.lower() in ENDINGS else path
    kind, where = name.suffix.lower(), f"{key}: {path}"
    if kind not in SUFFIXES:
        raise DataError(f"{where} ends in '{name.suffix}'; allowed: {', '.join(SUFFIXES)}, each also with .gz")
    data = content(path, key)
    if data.startswith(b"PAR1") or kind == ".parquet":
        rows: list[Any] = parquet_rows(data, where)
    else:
        text = text_of(data, path, key)
        del data  # A large file is in memory once as text, and no longer when its rows are.
        rows = _text_rows(text, kind, where)
        del text
    return [_checked(row, f"{where}, row {number}") for number, row in enumerate(rows, start=1)]


def _text_rows(text: str, kind: str, where: str) -> list[Any]:
    if kind not in (".csv", ".tsv"):
        return json_rows(text, where, lines_first=kind != ".json")
    try:
        return table_rows(text, where)
    except csv.Error as error:
        raise DataError(f"{where}: broken CSV: {error}\n    mend the file, or name another one") from error


def _checked(row: Any, where: str) -> Row:
    """Return a row with None for NaN: pandas' way of writing a gap."""
    if not isinstance(row, dict):
        raise DataError(f"{where}: a {type(row).__name__}; each row must be an object")
    for name, value in row.items():
        if isinstance(value, str) and not _is_text(value):
            raise DataError(
                f"{where}: '{name}' has half of a surrogate pair in it: {shorten(ascii(value))}\n"
                "    a broken emoji, most often: write the text as UTF-8 again"
            )
    gaps = {name: None for name, value in row.items() if isinstance(value, float) and math.isnan(value)}
    return row | gaps if gaps else row


def _is_text(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def missing_file(path: str | Path, key: str) -> Iterator[Problem]:
    """Yield a problem where the path is no readable file."""
    if not Path(path).expanduser().is_file():
        kind = "a directory" if Path(path).expanduser().is_dir() else "no such file"
        yield Problem(key, f"given '{path}': {kind}", "give the path of a file; relative paths start where you run")


def unique_instructions(rows: Sequence[Row], path: str | Path, key: str) -> None:
    """Check that every row has an instruction of its own.

    Raises:
        DataError: names the file and the rows.

    """
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        instruction = row.get("instruction")
        if not isinstance(instruction, str) or not instruction.strip():
            raise DataError(
                f"{key}: {path}, row {number}: no 'instruction' (given {instruction!r})\n"
                f"    every row needs a non-empty text under 'instruction'; this row's keys: {', '.join(map(str, row))}"
            )
        if instruction in seen:
            raise DataError(
                f"{key}: {path}, row {number}: the same instruction as row {seen[instruction]}: "
                f"{shorten(instruction)}\n"
                "    each instruction may stand once; remove one of the two rows"
            )
        seen[instruction] = number


def read_preference(value: Any, where: str) -> float:
    """Return the preference of an annotation in [1, 2], as JSON or CSV hold it; NaN where the verdict is missing.

    Raises:
        DataError: it is no preference; the message starts with `where`.

    """
    try:
        number = math.nan if value in (None, "") else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.inf
    if isinstance(value, bool):
        number = math.inf
    if math.isnan(number) or number == FAILED:
        return math.nan
    if number == DRAW:
        return 1.5
    if 1 <= number <= 2:
        return number
    raise DataError(
        f"{where}: 'preference' is {value!r}\n    allowed: 1 (reference wins) to 2 (model wins), or null where missing"
    )


def check_scale(values: Iterable[Any], where: str) -> None:
    """Check that preferences are on alpaca_eval's scale: 0 and 1, or -1 and 1, alone are most likely on another one.

    Raises:
        DataError: they are not; the message starts with `where`.

    """
    codes = [str(value).strip() for value in values if value is not None and str(value).strip()]
    numbers = {code for code in codes if code.lower() != "nan"}
    if {"1", "1.0"} & numbers and {"-1", "-1.0"} & numbers and numbers <= {"1", "1.0", "-1", "-1.0"}:
        raise DataError(
            f"{where}: 'preference' is -1 or 1 and nothing else, so it is most likely on a scale from -1 to 1\n"
            "    1 is a win of the reference, 2 of the model, null a missing verdict: write 1 for -1, and 2 for 1"
        )
    if len(codes) > 1 and {"0", "0.0"} & numbers and numbers <= {"0", "0.0", "1", "1.0", "-1", "-1.0"}:
        raise DataError(
            f"{where}: 'preference' is 0 or 1 and never above, so it is most likely on a scale from 0 to 1\n"
            "    1 is a win of the reference and 2 of the model: add 1 to each; write a draw as 1.5, not as 0"
        )


def shorten(text: str, width: int = 80) -> str:
    """Return the text on one line, cut to a width, in quotes."""
    line = " ".join(text.split())
    return repr(line if len(line) <= width else line[: width - 1] + "…")
