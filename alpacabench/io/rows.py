"""Read rows from json, jsonl and csv files, also gzipped: the one reader for prompts, outputs and annotations."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from alpacabench.core.errors import DataError, Problem

Row = dict[str, Any]

FAILED, DRAW = -1.0, 0.0
"""alpaca_eval's old codes in `preference`."""

SUFFIXES = (".json", ".jsonl", ".csv")


def read_rows(path: str | Path, key: str) -> list[Row]:
    """Return the rows of a file.

    Args:
        path: a .json (list of objects), .jsonl or .csv file, optionally with .gz behind.
        key: the config key that names the file, for messages.

    Raises:
        DataError: the file is missing, broken or of another kind; names the file and the row.

    """
    path = Path(path).expanduser()
    kind = path.suffixes[-2:-1][0] if path.suffix == ".gz" and len(path.suffixes) > 1 else path.suffix
    text = _text(path, key)
    try:
        if kind == ".csv":
            csv.field_size_limit(max(csv.field_size_limit(), len(text)))  # the default cuts off long answers
            rows: Any = list(csv.DictReader(io.StringIO(text, newline="")))
        elif kind == ".jsonl":
            rows = _json_lines(text)
        elif kind == ".json":
            rows = json.loads(text)
        else:
            raise DataError(
                f"{key}: {path} ends in '{path.suffix}'; allowed: {', '.join(SUFFIXES)}, each also with .gz"
            )
    except csv.Error as error:
        raise DataError(f"{key}: {path}: broken CSV: {error}\n    mend the file, or name another one") from error
    except json.JSONDecodeError as error:
        where = f"row {error.lineno}" if kind == ".jsonl" else f"line {error.lineno}, column {error.colno}"
        raise DataError(
            f"{key}: {path}, {where}: broken JSON: {error.msg}\n    mend the file, or name another one"
        ) from error
    if not isinstance(rows, list):
        raise DataError(f"{key}: {path} holds a {type(rows).__name__}; a list of objects is needed")
    for number, row in enumerate(rows, start=1):
        _check_row(row, f"{key}: {path}, row {number}")
    return rows


def _check_row(row: Any, where: str) -> None:
    if not isinstance(row, dict):
        raise DataError(f"{where}: a {type(row).__name__}; each row must be an object")
    if None in row:
        raise DataError(
            f"{where}: {len(row[None])} more fields than the header names, from {shorten(str(row[None][0]))}\n"
            "    put double quotes around a text that has commas or line breaks in it"
        )
    for name, value in row.items():
        if isinstance(value, str) and not _is_text(value):
            raise DataError(
                f"{where}: '{name}' has half of a surrogate pair in it: {shorten(ascii(value))}\n"
                "    a broken emoji, most often: write the text as UTF-8 again"
            )


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
    except (TypeError, ValueError):
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


def shorten(text: str, width: int = 80) -> str:
    """Return the text on one line, cut to a width, in quotes."""
    line = " ".join(text.split())
    return repr(line if len(line) <= width else line[: width - 1] + "…")


def _text(path: Path, key: str) -> str:
    for problem in missing_file(path, key):
        raise DataError(str(problem))
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return data.decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise DataError(
            f"{key}: cannot read {path}: {error}\n    a UTF-8 text file is needed, optionally gzipped"
        ) from error


def _json_lines(text: str) -> list[Any]:
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise json.JSONDecodeError(error.msg, "\n" * (number - 1) + line, number - 1) from error
    return rows
