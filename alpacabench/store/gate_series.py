"""The gates of each series, in their order: what was compared, and the error probability that the series may spend."""

from __future__ import annotations

import time

from sqlalchemy import Engine, func, insert, select
from sqlalchemy.exc import IntegrityError

from alpacabench.core.errors import StoreError
from alpacabench.store.tables import gates

ATTEMPTS = 20
"""Gates of one series that may begin at the same moment."""


def enter(engine: Engine, series: str, key: str, alpha: float) -> tuple[int, float]:
    """Return the number of a gate in its series, from 1, and the error probability that the series was begun with.

    The same comparison again has the number that it had.

    Raises:
        StoreError: too many gates of the series began at once.

    """
    own = gates.c.series == series
    for _ in range(ATTEMPTS):
        try:
            with engine.begin() as connection:
                first = connection.execute(select(gates.c.alpha).where(own, gates.c.number == 1)).scalar()
                held = connection.execute(select(gates.c.number).where(own, gates.c.key == key)).scalar()
                if held is not None:
                    return int(held), float(first or alpha)
                number = int(connection.execute(select(func.max(gates.c.number)).where(own)).scalar() or 0) + 1
                row = {"series": series, "number": number, "key": key, "alpha": first or alpha, "created": time.time()}
                connection.execute(insert(gates).values(**row))
                return number, float(first or alpha)
        except IntegrityError:
            continue  # another gate took this number in between
    raise StoreError(f"the series '{series}' is entered by too many gates at once\n    try again")
