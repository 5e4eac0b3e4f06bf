"""Which processes that share the store are alive: each one's beat rises, and the others see it rise.

No clock is compared with another host's. A process counts as dead where this one has watched its beat for long enough
without a change, or where it was a process of this host that is gone. Who was counted as dead learns so before it asks
on: its term is over, and its claims are others' now.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from alpacabench.core.errors import StoreError
from alpacabench.store.owner import new_owner, surely_dead
from alpacabench.store.tables import claims, owners

BEAT_SECONDS = 5.0
LEASE_SECONDS = 30.0
"""So long after its last beat a process may trust its claims without looking: less than STALE_SECONDS."""
STALE_SECONDS = 60.0
"""So long a beat must have been seen without a change before its owner counts as dead."""


class Heartbeat:
    """The beat of this process, and what it has seen of the others'."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.owner = new_owner()
        self.term = 0
        """A fencing token: it rises when this process begins, and when others have counted it as dead."""
        self._renewed = 0.0
        self._watched: dict[str, tuple[float, float]] = {}
        """Of each other owner: its beat, and the seconds that it was seen not to change."""
        self._looked = time.monotonic()
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to beat, if that has not begun."""
        with self._lock:
            if self._thread is None:
                self.renew()
                self._thread = threading.Thread(target=self._beat, name="store-heartbeat", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Stop beating, and free what this process has claimed."""
        self._stop.set()
        if self._thread is None:
            return
        self._thread.join()
        # Where the store fails now, the others see that this process is gone.
        with suppress(StoreError), self.engine.begin() as connection:
            connection.execute(delete(claims).where(claims.c.owner == self.owner))
            connection.execute(delete(owners).where(owners.c.owner == self.owner))

    def valid(self, term: int) -> bool:
        """Return whether what was claimed in a term is still this process's; looks where it may have slept.

        Raises:
            StoreError: the store does not answer.

        """
        if _awake() - self._renewed > LEASE_SECONDS:
            self.renew()
        return term == self.term

    def renew(self) -> None:
        """Beat once; a process that was counted as dead begins a new term under a new name."""
        with self._lock:
            now = _awake()
            with self.engine.begin() as connection:
                beat = update(owners).where(owners.c.owner == self.owner).values(beat=owners.c.beat + 1)
                if not connection.execute(beat).rowcount:
                    self.owner = new_owner()
                    connection.execute(insert(owners).values(owner=self.owner, beat=1))
                    self.term += 1
            self._renewed = now

    def bury(self, connection: Connection) -> None:
        """Free what dead processes have claimed; called inside a transaction."""
        self._watch(connection)
        for owner, beat in self._dead():
            # One that beats after all, or was buried by another process meanwhile, is not found with this beat.
            connection.execute(delete(owners).where(owners.c.owner == owner, owners.c.beat == beat))
            alive = select(owners.c.owner).where(owners.c.owner == owner).exists()
            connection.execute(delete(claims).where(claims.c.owner == owner, claims.c.heartbeat <= beat, ~alive))

    def _watch(self, connection: Connection) -> None:
        """Note whose beat has changed since the last look."""
        beats = {str(owner): float(beat) for owner, beat in connection.execute(select(owners))}
        # Older versions of this program note their beats beside their claims.
        older = select(claims.c.owner, func.max(claims.c.heartbeat)).where(
            claims.c.owner.not_in(select(owners.c.owner))
        )
        beats |= {str(owner): float(beat) for owner, beat in connection.execute(older.group_by(claims.c.owner))}
        with self._lock:
            now = time.monotonic()
            # What passed while this process itself was stopped was not watched.
            passed = min(now - self._looked, 2 * BEAT_SECONDS)
            self._looked = now
            self._watched = {
                owner: (beat, seconds + passed if (seconds := self._quiet(owner, beat)) is not None else 0.0)
                for owner, beat in beats.items()
                if owner != self.owner
            }

    def _quiet(self, owner: str, beat: float) -> float | None:
        """Return for how long the beat was seen as it is; None where it is new."""
        last, seconds = self._watched.get(owner, (None, 0.0))
        return seconds if last == beat else None

    def _dead(self) -> list[tuple[str, float]]:
        with self._lock:
            watched = list(self._watched.items())
        return [(owner, beat) for owner, (beat, quiet) in watched if quiet >= STALE_SECONDS or surely_dead(owner)]

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_SECONDS):
            # A busy store is no reason to end the run: the next beat is in time.
            with suppress(StoreError):
                self.renew()
                with self.engine.connect() as connection:
                    self._watch(connection)


def _awake() -> float:
    """Return seconds by a clock that goes on while the machine sleeps, and that nobody sets."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)
