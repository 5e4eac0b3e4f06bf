"""How fast requests are sent: as fast as the slots allow until the server refuses some, then as fast as it accepts.

The rate is measured, one second at a time, on the requests that were sent at that rate. A clean second raises it, a
second with refusals sets it to what was accepted. Where slowing down twice does not make refusals rarer, they do not
depend on the rate (an overloaded or faulty server), and the rate is set free for a while.
"""

from __future__ import annotations

import asyncio
import math
import time

EPOCH_SECONDS = 1.0
FREE_SECONDS = 30.0
"""How long refusals that do not depend on the rate are ignored."""


class Pacer:
    """A rate in requests per second, learned from the server's refusals."""

    def __init__(self) -> None:
        self.rate = math.inf
        self._start = time.monotonic()
        self._next = 0.0
        self._free_until = 0.0
        self._share = 1.0
        self._clean = 0
        self._in_vain = 0
        self._sent = 0
        self._refused = 0

    async def turn(self) -> float:
        """Wait for this request's turn and return the time at which it is sent."""
        now = time.monotonic()
        at = max(now, self._next)
        self._next = at + 1 / self.rate
        if at > now:
            await asyncio.sleep(at - now)
        sent = time.monotonic()
        self._sent += sent <= self._start + EPOCH_SECONDS or math.isinf(self.rate)
        return sent

    def record(self, sent: float, accepted: bool) -> None:
        """Learn from one answered request: when it was sent, and whether the server's rate limit let it pass.

        Requests still in flight count as accepted: a refusal comes at once, a long completion does not.
        """
        if sent < self._start:
            return
        self._refused += not accepted
        now = time.monotonic()
        if math.isinf(self.rate):
            if not accepted and now > self._free_until:
                self._restart((self._sent - self._refused) / max(now - self._start, EPOCH_SECONDS / 20))
        elif sent > self._start + EPOCH_SECONDS:
            self._refused -= not accepted
            self._end_epoch()

    def _end_epoch(self) -> None:
        if not self._refused:
            self._clean += 1
            self._in_vain, self._share = 0, 1.0
            self._restart(self.rate * min(2.0, 1 + 0.05 * 2**self._clean))
            return
        self._clean = 0
        share = self._refused / max(1, self._sent)
        self._in_vain = self._in_vain + 1 if share > 0.8 * self._share else 0
        self._share = share
        if self._in_vain >= 2:
            self._free_until = time.monotonic() + FREE_SECONDS
            self._in_vain, self._share = 0, 1.0
            self._restart(math.inf)
        else:
            self._restart((self._sent - self._refused) / EPOCH_SECONDS)

    def _restart(self, rate: float) -> None:
        self.rate = max(1.0, rate)
        self._start = time.monotonic()
        self._sent = self._refused = 0
        self._next = min(self._next, self._start + 1 / self.rate)
