"""How long to wait before a request is sent again, and what the user is told of it."""

from __future__ import annotations

import logging
import random
import time
from datetime import datetime, timedelta

log = logging.getLogger(__name__)

LONGEST_OWN = 30.0
LONGEST_ASKED = 600.0
"""A server that asks for more is not waited for."""
TOLD = 60.0
"""Every wait of so many seconds is told, and so is every such time without an answer."""
TRUSTED = 5
"""So many times in a row a server's own wait is believed, however short it is."""
FAR_TIMES = 3
"""So many requests in a row that are to come back later than that end the run; one alone may be a mistake."""


class Waits:
    """The waits for one server."""

    def __init__(self, server: str) -> None:
        self.server = server
        self._far = 0
        self._last = time.monotonic()
        """When the last answer came, or the wait that was told last ends."""

    def received(self) -> None:
        """Note an answer."""
        self._far = 0
        self._last = time.monotonic()

    def far(self, seconds: float | None) -> bool:
        """Return whether the server sends everyone away for longer than anybody waits; the first time is told."""
        if seconds is None or seconds <= LONGEST_ASKED:
            return False
        if not self._far:
            log.warning(
                "%s asks to come back in %s (%s): tried again sooner", self.server, lasting(seconds), at(seconds)
            )
        self._far += 1
        return self._far >= FAR_TIMES

    def seconds(self, times: int, asked: float | None, cause: object) -> float:
        """Return the seconds before the next try: what the server asked for, else exponential, both with jitter.

        A server that goes on refusing what it asked for soon is waited for as one that asked for nothing.
        """
        seconds = min(LONGEST_OWN, 0.5 * 2.0 ** min(times - 1, 10)) * random.uniform(0.5, 1.0)
        if asked is not None and asked <= LONGEST_ASKED and (times <= TRUSTED or asked > seconds):
            seconds = asked + random.uniform(0.0, 0.05 * max(1.0, asked))
        now = time.monotonic()
        if now + seconds - self._last >= TOLD:
            self._last = now + seconds
            log.warning("%s: %s; trying again in %s, at %s", self.server, cause, lasting(seconds), at(seconds))
        return seconds


def lasting(seconds: float) -> str:
    """Return a duration in words."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{seconds / 3600:.1f} h"


def at(seconds: float) -> str:
    """Return the local time in so many seconds; with the date where that is another day."""
    try:
        now, then = datetime.now(), datetime.now() + timedelta(seconds=seconds)
    except OverflowError:
        return "no time that a calendar knows"
    return f"{then:%H:%M}" if then.date() == now.date() else f"{then:%Y-%m-%d %H:%M}"
