"""The tables of the store. What is added to one after its first release may be null, so that older stores go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import JSON, Column, Dialect, Float, Integer, MetaData, String, Table, Text
from sqlalchemy.types import TypeDecorator

metadata = MetaData()


class Document(TypeDecorator[Any]):
    """JSON; None where a damaged file holds something else."""

    impl = JSON
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """Return the decoder, which passes over what cannot be decoded."""
        decode = super().result_processor(dialect, coltype)

        def process(value: Any) -> Any:
            try:
                return decode(value) if decode else value
            except (ValueError, TypeError, RecursionError):
                return None

        return process


answers = Table(
    "answers",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("payload", Document, nullable=False),
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
owners = Table(
    "owners",
    metadata,
    Column("owner", String(255), primary_key=True),
    Column("beat", Float, nullable=False),
)
claims = Table(
    "claims",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("owner", String(255), nullable=False, index=True),
    # 0, since an owner beats once for all its claims: in `owners`. Versions before that noted the time of the beat.
    Column("heartbeat", Float, nullable=False),
)
speeds = Table(
    "speeds",
    metadata,
    Column("who", String(64), primary_key=True),
    Column("units", Float, nullable=False),
    Column("seconds", Float, nullable=False),
)
servers = Table(
    "servers",
    metadata,
    Column("server", String(255), primary_key=True),
    Column("model", String(255), primary_key=True),
    # How the token limit is called, whether there is a system role, what was asked and answered.
    Column("takes", Document, nullable=False),
    Column("seen", Float, nullable=False),
)
tool_results = Table(
    "tool_results",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("result", Text, nullable=False),
    # 1 where the tool succeeded, 0 where the result is its error.
    Column("well", Integer, nullable=False),
    Column("created", Float, nullable=False),
)
gates = Table(
    "gates",
    metadata,
    Column("series", String(128), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    # The digest of what was compared: the same gate again is no other look.
    Column("key", String(64), nullable=False),
    Column("alpha", Float, nullable=False),
    Column("created", Float, nullable=False),
)
budgets = Table(
    "budgets",
    metadata,
    Column("scope", String(128), primary_key=True),
    Column("spent", Float, nullable=False),
)
holds = Table(
    "budget_holds",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("scope", String(128), nullable=False, index=True),
    Column("owner", String(255), nullable=False),
    Column("usd", Float, nullable=False),
    Column("created", Float, nullable=False),
    Column("model", String(255)),
    # What the prompt and the whole request can cost by their length, before what the server was seen to bill.
    Column("prompt", Float),
    Column("bound", Float),
    # 1 where the owner died: the dollars are what the request cost at most.
    Column("lost", Integer),
)
rates = Table(
    "budget_rates",
    metadata,
    Column("scope", String(128), primary_key=True),
    Column("model", String(255), primary_key=True),
    Column("bills", Integer, nullable=False),
    # Bills by what a request could cost by its length, the highest so far: of prompts, and of whole requests.
    Column("prompt_share", Float, nullable=False),
    Column("share", Float, nullable=False),
    Column("dearest", Float, nullable=False),
)
batches = Table(
    "batches",
    metadata,
    Column("token", String(64), primary_key=True),
    Column("server", String(255), nullable=False, index=True),
    Column("id", String(255)),
    Column("keys", JSON, nullable=False),
    Column("created", Float, nullable=False),
    Column("hold", Integer),
)
service_jobs = Table(
    "service_jobs",
    metadata,
    Column("id", String(16), primary_key=True),
    # The name of the token that asked for it.
    Column("client", String(64), nullable=False, index=True),
    Column("overrides", JSON, nullable=False),
    Column("multirun", Integer, nullable=False),
    Column("status", String(16), nullable=False, index=True),
    Column("created", Float, nullable=False),
    Column("started", Float),
    Column("ended", Float),
    Column("attempts", Integer, nullable=False),
    # 1 where its client wants it to end.
    Column("cancel", Integer, nullable=False),
    # The worker that has claimed it, and the process that it runs in.
    Column("owner", String(255)),
    Column("process", String(255)),
    Column("exit_code", Integer),
    Column("error", Text),
    Column("metrics", JSON),
)
