"""What tools answered that may answer otherwise the next time: the first answer stays."""

from __future__ import annotations

import time

from sqlalchemy import Engine, select
from sqlalchemy.dialects import postgresql, sqlite

from alpacabench.store.tables import tool_results


def read(engine: Engine, key: str) -> tuple[str, bool] | None:
    """Return a result and whether the tool succeeded; None where there is none."""
    columns = tool_results.c.result, tool_results.c.well
    with engine.connect() as connection:
        found = connection.execute(select(*columns).where(tool_results.c.key == key)).first()
    return (str(found[0]), bool(found[1])) if found else None


def write(engine: Engine, key: str, result: str, well: bool) -> tuple[str, bool]:
    """Keep a result; return the one that is kept, which is another process's where that was first."""
    dialect = postgresql if engine.dialect.name == "postgresql" else sqlite
    row = {"key": key, "result": result, "well": int(well), "created": time.time()}
    statement = dialect.insert(tool_results).values(**row).on_conflict_do_nothing(index_elements=["key"])
    with engine.begin() as connection:
        connection.execute(statement)
    return read(engine, key) or (result, well)
