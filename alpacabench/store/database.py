"""How the store's database is opened: made, brought up to date, and tried; and what its faults mean."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError, IntegrityError, OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from alpacabench.core.errors import StoreError
from alpacabench.security.redact import redact
from alpacabench.store.payload import to_json
from alpacabench.store.tables import metadata

VERSION = 2
"""Of the tables: a store of a later one may hold what this program would misread."""

CREATE_ATTEMPTS = 5
LOCKED_SECONDS = 60

FOREIGN = ("it was made by another program or version", "move it away, or choose another store with store.url")

REMEDIES = {
    "locked": (
        f"another process has kept it locked for more than {LOCKED_SECONDS} s",
        "end that process (`fuser FILE` shows it), or choose another store with store.url",
    ),
    "readonly": ("it is read-only", "let it and its directory be written to, or choose another store with store.url"),
    "is full": ("its disk is full", "free some space; what was stored is kept, and the same command goes on"),
    "malformed": (
        "the file is damaged",
        "save what can be read (sqlite3 FILE .recover | sqlite3 NEW.db) and give store.url=sqlite:///NEW.db, "
        "or move it away",
    ),
    "not a database": ("the file is no SQLite database", "move it away, or choose another store with store.url"),
    "unable to open": ("it cannot be opened or made", "give a file in a directory that you may write to"),
    "disk i/o": ("the disk fails or is no longer there", "look at the disk; the same command goes on afterwards"),
    "no such table": FOREIGN,
    "no such column": FOREIGN,
    "no column": FOREIGN,
}
"""What SQLite says, and what it means."""

PRIVATE = 0o600


def open_engine(url: str) -> Engine:
    """Return an engine on the database, its tables created or brought up to date.

    Raises:
        StoreError: the URL is no database URL, the database does not answer, or it is another program's or version's.

    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(_cannot("is no database URL", str(error).splitlines()[0])) from error
    try:
        _make_private(parsed)
        engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite", json_serializer=to_json)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _sqlite_settings)
        _prepare(engine)
    except (ArgumentError, ImportError, OSError, SQLAlchemyError) as error:
        raise explain(parsed, error) from error
    event.listen(engine, "handle_error", _as_ours)
    return engine


def explain(url: URL, error: BaseException) -> StoreError:
    """Return what an error of the database means: which store, what is wrong, what to do."""
    shown = url.database if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)
    said = str(getattr(error, "orig", None) or error).splitlines() or [repr(error)]
    if url.get_backend_name() == "sqlite":
        what = "unable to open" if isinstance(error, OSError) else said[0].lower()
        known = next((known for words, known in REMEDIES.items() if words in what), None)
        if known:
            return StoreError(f"the store {shown} cannot be used: {known[0]} ({said[0]})\n    {known[1]}")
    kept = "what was stored is kept, and the same command goes on from there"
    return StoreError(_cannot(f"{shown} cannot be used: {redact(' '.join(said))}", kept))


def _cannot(what: str, more: str) -> str:
    remedy = (
        "give the URL of a database that this machine can reach: sqlite:///outputs/store.db, postgresql+psycopg://..."
    )
    return f"cannot open the store: store.url: {what}\n    {more}\n    {remedy}"


def _as_ours(context: ExceptionContext) -> None:
    """Turn every error of an open database into one message."""
    if context.engine is not None:
        raise explain(context.engine.url, context.original_exception) from context.original_exception


def _make_private(url: URL) -> None:
    """Make the file of a new SQLite database so that only its owner may read it: it holds answers and verdicts."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith((":memory:", "file:")):
        return
    path = Path(url.database)
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE))


def _prepare(engine: Engine) -> None:
    """Create what is missing; several processes may do so at once."""
    for attempt in range(CREATE_ATTEMPTS):
        try:
            with engine.begin() as connection:
                _require_version(connection)
                _create(connection)
            return
        except (IntegrityError, ProgrammingError, OperationalError) as error:
            # IF NOT EXISTS still collides where two sessions of PostgreSQL create the same table at the same moment,
            # and a column can be added by another process between our look and our change.
            if attempt == CREATE_ATTEMPTS - 1 or not any(
                w in str(error) for w in ("exists", "duplicate", "concurrent")
            ):
                raise


def _create(connection: Connection) -> None:
    there = inspect(connection)
    for table in metadata.sorted_tables:
        connection.execute(CreateTable(table, if_not_exists=True))
        columns = {column["name"] for column in there.get_columns(table.name)}
        for column in table.columns:
            if column.name in columns:
                continue
            if not column.nullable:
                raise StoreError(
                    f"the store {redact(str(connection.engine.url))} cannot be used: its table '{table.name}' has no "
                    f"column '{column.name}'; another program or version made it\n"
                    "    move it away, or choose another store with store.url"
                )
            definition = CreateColumn(column).compile(dialect=connection.dialect)
            connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {definition}"))
        for index in table.indexes:
            connection.execute(CreateIndex(index, if_not_exists=True))
    if _version(connection) < VERSION:
        set_it = f"PRAGMA user_version={VERSION}" if _sqlite(connection) else f"COMMENT ON TABLE answers IS '{VERSION}'"
        connection.execute(text(set_it))


def _require_version(connection: Connection) -> None:
    found = _version(connection)
    if found > VERSION:
        raise StoreError(
            f"the store {redact(str(connection.engine.url))} cannot be used: a later version of alpacabench made it "
            f"(tables of version {found}; this one knows {VERSION})\n"
            "    upgrade alpacabench, or choose another store with store.url"
        )


def _version(connection: Connection) -> int:
    """Return the version of the tables; 0 for a store that does not tell."""
    if _sqlite(connection):
        return int(connection.execute(text("PRAGMA user_version")).scalar_one())
    said = connection.execute(text("SELECT obj_description(to_regclass('answers'), 'pg_class')")).scalar_one()
    return int(said) if said and said.isdigit() else 0


def _sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def _sqlite_settings(connection: Any, _record: Any) -> None:
    connection.text_factory = _text
    # WAL lets readers go on beside a writer; NORMAL survives kill -9, and a power cut loses the last claims and
    # reservations at most: answers are committed with FULL.
    for pragma in (f"busy_timeout={LOCKED_SECONDS * 1000}", "journal_mode=WAL", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return ""  # A damaged row: one that is no JSON counts as missing.
