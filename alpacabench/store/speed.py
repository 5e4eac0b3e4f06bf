"""How fast models and judges were when they last answered: for the time that `plan=true` estimates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.dialects import postgresql, sqlite

from alpacabench.core.records import digest
from alpacabench.store.tables import speeds

FADING = 0.5
"""What a run leaves of the weight of those before it: machines and servers change."""


class Speeds:
    """Seconds per unit (a token, a verdict) by who was asked and how."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def note(self, who: str, units: float, seconds: float) -> None:
        """Add what a run took; one without units says nothing."""
        if units <= 0 or seconds <= 0:
            return
        dialect = postgresql if self.engine.dialect.name == "postgresql" else sqlite
        statement = dialect.insert(speeds).values(who=who, units=units, seconds=seconds)
        both = {
            "units": speeds.c.units * FADING + statement.excluded.units,
            "seconds": speeds.c.seconds * FADING + statement.excluded.seconds,
        }
        with self.engine.begin() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["who"], set_=both))

    def per_unit(self, who: str) -> float | None:
        """Return the seconds that a unit took; None where nothing is known."""
        with self.engine.connect() as connection:
            found = connection.execute(select(speeds).where(speeds.c.who == who)).one_or_none()
        return found.seconds / found.units if found else None


def writer(model: Mapping[str, Any], sharding: Mapping[str, Any]) -> str:
    """Return the name of a model's speed, by its configuration: units are completion tokens."""
    return digest(["answers", model, sharding])


def reader(judge: Mapping[str, Any]) -> str:
    """Return the name of a judge's speed, by its configuration: units are verdicts."""
    apart = ("order", "seed", "repeats", "instruction", "canaries")
    asked = {key: value for key, value in judge.items() if key not in apart}
    return digest(["verdicts", asked])
