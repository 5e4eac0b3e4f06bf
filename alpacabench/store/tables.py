"""The tables of the store, and how its database is opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Column, Engine, Float, MetaData, String, Table, Text, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, ProgrammingError, SQLAlchemyError
from sqlalchemy.schema import CreateIndex, CreateTable

from alpacabench.core.errors import StoreError

metadata = MetaData()

CREATE_ATTEMPTS = 3

answers = Table(
    "answers",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("payload", JSON, nullable=False),
    Column("created", Float, nullable=False),
)
failures = Table(
    "failures",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("cause", Text, nullable=False),
    Column("detail", JSON),
    Column("created", Float, nullable=False),
)
claims = Table(
    "claims",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("owner", String(255), nullable=False, index=True),
    Column("heartbeat", Float, nullable=False),
)
speeds = Table(
    "speeds",
    metadata,
    Column("who", String(64), primary_key=True),
    Column("units", Float, nullable=False),
    Column("seconds", Float, nullable=False),
)


def open_engine(url: str) -> Engine:
    """Return an engine on the database, its tables created.

    Raises:
        StoreError: the URL is no database URL, or the database does not answer.

    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _sqlite_settings)
        create_tables(engine, metadata.sorted_tables)
    except (ArgumentError, ImportError, OSError, SQLAlchemyError) as error:
        reason = str(error).splitlines()[0]
        raise StoreError(
            f"store.url: cannot open the store: {reason}\n"
            "    give the URL of a database that this machine can reach: sqlite:///outputs/store.db, postgresql+psycopg://..."
        ) from error
    return engine


def create_tables(engine: Engine, tables: Sequence[Table]) -> None:
    """Create what is missing; several processes may do so at once."""
    for attempt in range(CREATE_ATTEMPTS):
        try:
            with engine.begin() as connection:
                for table in tables:
                    connection.execute(CreateTable(table, if_not_exists=True))
                    for index in table.indexes:
                        connection.execute(CreateIndex(index, if_not_exists=True))
            return
        except (IntegrityError, ProgrammingError):
            # PostgreSQL: IF NOT EXISTS still collides where two sessions create the same table at the same moment.
            if attempt == CREATE_ATTEMPTS - 1:
                raise


def _sqlite_settings(connection: Any, _record: Any) -> None:
    # WAL lets readers go on beside a writer; NORMAL survives kill -9 (only a power cut can lose the last commits).
    for pragma in ("busy_timeout=60000", "journal_mode=WAL", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")
