"""The columns of a row that tools read: `documents`, `tables`, `expected`, and what one's own tools need."""

from __future__ import annotations

from typing import Any

from alpacabench.io.json_text import loads
from alpacabench.io.rows import Row

OURS = frozenset(
    ("instruction", "output", "outputs", "generator", "dataset", "source", "category", "licence", "license", "checks",
     "messages", "turns")
)  # fmt: skip
"""Columns that say what is asked and answered."""


def for_tools(row: Row) -> dict[str, Any]:
    """Return the columns for tools; in a table's cell an object or a list stands as JSON text."""
    return {name: _parsed(value) for name, value in row.items() if name not in OURS and value is not None}


def _parsed(value: Any) -> Any:
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return loads(value)
    except ValueError:
        return value
