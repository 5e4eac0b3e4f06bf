"""SQL over the row's tables, or over a file: SQLite, read-only, within a time."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import Field

from alpacabench.core.errors import Problem
from alpacabench.io.audit import hashed
from alpacabench.io.rows import missing_file
from alpacabench.tools.base import Function, Row, Tool, ToolError, function

READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}
"""What a query may do beside calling functions: nothing that writes, attaches, or sets anything."""
REFUSED = ("load_extension", "readfile", "writefile", "edit", "fts3_tokenizer")
STEPS = 1_000
"""Of SQLite's machine between two looks at the clock."""
MOST_BYTES = 1_000_000
"""Of one value, and of one query: a query may make texts of any length otherwise."""


class Database(Tool):
    """Runs one query. Nothing can be written, attached or loaded, whatever the query says."""

    name: ClassVar[str] = "database"
    description: ClassVar[str] = "Run one SQL query (SQLite, read-only) and return its rows."
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {"query": {"type": "string", "description": "one SELECT statement"}},
        "required": ["query"],
        "additionalProperties": False,
    }

    path: str | None = None
    """An SQLite file for all prompts; a row's own `tables` come first."""
    seconds: float = Field(5.0, gt=0, le=600)
    """Of one query."""
    most_rows: int = Field(100, ge=1, le=10_000)

    def problems(self) -> Iterator[Problem]:
        """Yield a file that is missing, or no database."""
        yield from super().problems()
        if self.path is None:
            return
        missing = list(missing_file(self.path, "tools.database.path"))
        yield from missing
        if not missing:
            try:
                with closing(self._connect({})) as connection:
                    connection.execute("SELECT name FROM sqlite_master").fetchall()
            except sqlite3.Error as error:
                yield Problem("tools.database.path", f"{self.path}: {error}", "give a file that SQLite wrote")

    def identity(self) -> Mapping[str, Any]:
        """Return the limits, and what the file holds, wherever it lies."""
        held = {"file": hashed(Path(self.path).expanduser())["sha256"]} if self.path else {}
        return {"seconds": self.seconds, "most_rows": self.most_rows, **held}

    def applies(self, row: Row) -> bool:
        """Return whether there is anything to query."""
        return bool(row.get("tables") or self.path)

    def check_row(self, row: Row) -> None:
        """Look at the row's tables: objects by name, each a list of rows, or {"columns": [...], "rows": [[...]]}.

        Raises:
            ValueError: no table can be made of them.

        """
        if row.get("tables"):
            try:
                self._connect(row).close()
            except sqlite3.Error as error:
                raise ValueError(f"'tables' cannot be made into tables: {error}") from error

    def functions(self, row: Row) -> list[Function]:
        """Return the function; its description names the tables and their columns."""
        with closing(self._connect(row)) as connection:
            found = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchall()
        tables = "; ".join(" ".join(str(sql).split()) for (sql,) in found)
        return [function(self.name, f"{self.description} Tables: {tables}", self.parameters)]

    def call(self, arguments: dict[str, Any], row: Row) -> dict[str, Any]:
        """Return `columns` and `rows`, and `cut: true` where there are more rows than are shown.

        Raises:
            ToolError: the query is none, does what it may not, or takes too long.

        """
        end = time.monotonic() + self.seconds
        with closing(self._connect(row)) as connection:
            connection.set_authorizer(_authorized)
            connection.set_progress_handler(lambda: int(time.monotonic() > end), STEPS)
            try:
                cursor = connection.execute(arguments["query"])
                found = cursor.fetchmany(self.most_rows + 1)
            except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
                said = f"it took longer than {self.seconds:g} s" if str(error) == "interrupted" else str(error)
                raise ToolError(said) from None
            if cursor.description is None:
                raise ToolError("this is no query")
            columns = [column[0] for column in cursor.description]
        rows = [[_plain(value) for value in values] for values in found[: self.most_rows]]
        return {"columns": columns, "rows": rows} | ({"cut": True} if len(found) > self.most_rows else {})

    def _connect(self, row: Row) -> sqlite3.Connection:
        if row.get("tables"):
            connection = sqlite3.connect(":memory:")
            _fill(connection, row["tables"])
        else:
            path = quote(str(Path(str(self.path)).expanduser().absolute()))
            connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        for limit in (sqlite3.SQLITE_LIMIT_LENGTH, sqlite3.SQLITE_LIMIT_SQL_LENGTH):
            connection.setlimit(limit, MOST_BYTES)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        return connection


def _authorized(action: int, _first: str | None, second: str | None, *_: Any) -> int:
    reads = action in READING or (action == sqlite3.SQLITE_FUNCTION and second not in REFUSED)
    return sqlite3.SQLITE_OK if reads else sqlite3.SQLITE_DENY


def _fill(connection: sqlite3.Connection, tables: Any) -> None:
    if not isinstance(tables, Mapping):
        raise ValueError(f"'tables' is a {type(tables).__name__}; an object of tables by name is needed")
    for name, table in tables.items():
        columns, rows = _columns(str(name), table)
        named = ", ".join(map(_quoted, columns))
        connection.execute(f"CREATE TABLE {_quoted(str(name))} ({named})")
        places = ", ".join("?" * len(columns))
        connection.executemany(f"INSERT INTO {_quoted(str(name))} VALUES ({places})", rows)


def _columns(name: str, table: Any) -> tuple[list[str], list[list[Any]]]:
    """Return a table's columns and rows.

    Raises:
        ValueError: it is in neither form.

    """
    if isinstance(table, Mapping) and isinstance(table.get("columns"), list) and isinstance(table.get("rows"), list):
        columns, rows = list(map(str, table["columns"])), table["rows"]
        if columns and all(isinstance(row, list) and len(row) == len(columns) for row in rows):
            return columns, [list(map(_stored, row)) for row in rows]
    elif isinstance(table, list) and table and all(isinstance(row, Mapping) for row in table):
        columns = list(dict.fromkeys(str(column) for row in table for column in row))
        return columns, [[_stored(row.get(column)) for column in columns] for row in table]
    raise ValueError(f'table \'{name}\' is neither a list of objects nor {{"columns": [...], "rows": [[...]]}}')


def _stored(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
