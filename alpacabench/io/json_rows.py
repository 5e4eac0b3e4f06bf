"""Rows of JSON: a list of objects, or one object per line, whatever the file is called."""

from __future__ import annotations

import json
from typing import Any

from alpacabench.core.errors import DataError


def json_rows(text: str, where: str, lines_first: bool) -> list[Any]:
    """Return the rows of a JSON text.

    Args:
        text: a list of objects, or lines of one object each.
        where: starts the messages.
        lines_first: whether the file's name says that it has one object per line.

    Raises:
        DataError: it is neither.

    """
    whole = _parsed(text)
    lines = _lines(text) if lines_first or isinstance(whole, ValueError) else None
    if isinstance(whole, list):
        return whole
    if isinstance(lines, list):
        return lines
    if isinstance(whole, ValueError):
        raise DataError(f"{where}{_place(lines, whole)}\n    mend the file, or name another one") from whole
    raise DataError(f"{where} holds a {type(whole).__name__}; a list of objects is needed{_remedy(whole)}")


def _parsed(text: str) -> Any:
    """Return what a text holds, or the error that it is none."""
    try:
        return json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        return ValueError("nested too deeply")
    except ValueError as error:
        return error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        if len({json.dumps(value, sort_keys=True) for name, value in pairs if name == twice}) > 1:
            raise ValueError(f"{twice!r} stands twice in one object, with different values")
    return found


def _lines(text: str) -> list[Any] | tuple[int, ValueError]:
    """Return one object per line; or the first line that is none, and why."""
    rows = []
    # Not `splitlines`: a text may hold other line separators.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            row = _parsed(line)
            if isinstance(row, ValueError):
                return number, row
            rows.append(row)
    return rows


def _place(lines: Any, whole: ValueError) -> str:
    """Return where the first fault is: in a line, where most of it is lines, else in the whole."""
    if isinstance(lines, tuple) and (lines[0] > 1 or not isinstance(whole, json.JSONDecodeError)):
        number, error = lines
        said = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        return f", row {number}: broken JSON: {said}"
    if isinstance(whole, json.JSONDecodeError):
        return f", line {whole.lineno}, column {whole.colno}: broken JSON: {whole.msg}"
    return f": broken JSON: {whole}"


def _remedy(found: Any) -> str:
    example = '\n    write [{"instruction": "...", "output": "..."}, ...], or one such object per line'
    if not isinstance(found, dict):
        return example
    under = [name for name, value in found.items() if isinstance(value, list) and value and isinstance(value[0], dict)]
    if under:
        return f"\n    its rows may lie under '{under[0]}': give that list alone"
    if len(found) > 1 and all(isinstance(value, dict | list) for value in found.values()):
        return "\n    it looks like pandas' to_json: write it with orient='records'"
    return example
