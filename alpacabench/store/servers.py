"""What servers were seen to take, by server and model: learned once, from an answer or a refusal, and kept."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.dialects import postgresql, sqlite

from alpacabench.store.tables import servers

LENGTH = 255
"""Characters of a server's address and of a model's name by which they are told apart."""


def read(engine: Engine, server: str, model: str) -> dict[str, Any]:
    """Return what is known of a model at a server; empty where nothing is."""
    own = (servers.c.server == server[:LENGTH]) & (servers.c.model == model[:LENGTH])
    with engine.connect() as connection:
        found = connection.execute(select(servers.c.takes).where(own)).scalar()
    return dict(found) if isinstance(found, dict) else {}


def write(engine: Engine, server: str, model: str, takes: Mapping[str, Any]) -> None:
    """Keep what is known of a model at a server; the last word counts."""
    dialect = postgresql if engine.dialect.name == "postgresql" else sqlite
    row = {"server": server[:LENGTH], "model": model[:LENGTH], "takes": dict(takes), "seen": time.time()}
    statement = dialect.insert(servers).values(**row)
    changed = {"takes": statement.excluded.takes, "seen": statement.excluded.seen}
    with engine.begin() as connection:
        connection.execute(statement.on_conflict_do_update(index_elements=["server", "model"], set_=changed))
