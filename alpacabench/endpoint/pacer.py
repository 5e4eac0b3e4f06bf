"""How fast requests are sent: as fast as the slots allow until the server refuses some, then as fast as it accepts.

The first rate is what the server accepted in the second around its first refusals. From then on the rate is measured,
one second at a time, on the requests that were sent at that rate: a clean second raises it, a second with many
refusals sets it to what was accepted. Where slowing down does not make refusals rare, they do not depend
on the rate (an overloaded or faulty server), and the rate is set free for a while.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque

EPOCH_SECONDS = 1.0
SETTLE_SECONDS = 0.5
"""After a change of the rate nothing is measured for so long: the server still remembers the old one."""
DECIDE_SECONDS = 0.3
"""From the first refusal to the first rate."""
FREE_SECONDS = 30.0
"""How long refusals that do not depend on the rate are ignored; twice as long each time."""
STEADY_SHARE = 0.06
"""So few refusals mean that the rate is right: a little above what is accepted, so that nothing is left unused."""
PROBE = 1.03
VAIN_SHARE = 0.15
"""So many refusals after slowing down mean that it was in vain."""
VAIN_EPOCHS = 2
REDUCTIONS = 4
"""So many reductions in a row, however small, mean the same."""
LATE_SECONDS = 0.1
"""So much of a delay of our own is made up for, so that the rate is kept on average."""


class Pacer:
    """A rate in requests per second, learned from the server's refusals."""

    def __init__(self) -> None:
        self.rate = math.inf
        self._turn = asyncio.Lock()
        self._next = 0.0
        self._start: float | None = None
        """When the current second of measuring begins; None before the first refusal."""
        self._recent: deque[float] = deque()
        self._decide: float | None = None
        self._free_until = 0.0
        self._free_seconds = FREE_SECONDS
        self._clean = 0
        self._in_vain = 0
        self._reductions = 0
        self._sent = 0
        self._refused = 0

    async def turn(self) -> float:
        """Wait for this request's turn and return the time at which it is sent."""
        async with self._turn:
            while (wait := self._next - time.monotonic()) > 0:
                # In steps, as the rate may rise meanwhile.
                await asyncio.sleep(min(wait, 0.1))
            now = time.monotonic()
            self._next = max(self._next, now - LATE_SECONDS) + 1 / self.rate
        if self._start is None:
            self._recent.append(now)
        self._sent += self._measured(now)
        return now

    def record(self, sent: float, accepted: bool) -> None:
        """Learn from one answered request: when it was sent, and whether the server's rate limit let it pass.

        Requests still in flight count as accepted: a refusal comes at once, a long completion does not.
        """
        if self._start is None:
            self._first(accepted)
        elif sent > self._start + EPOCH_SECONDS:
            self._end_epoch()
        else:
            self._refused += self._measured(sent) and not accepted

    def _first(self, accepted: bool) -> None:
        now = time.monotonic()
        self._refused += not accepted
        if not accepted and self._decide is None and now > self._free_until:
            self._decide = now + DECIDE_SECONDS
            self._refused = 1
        if self._decide is not None and now > self._decide:
            while self._recent and self._recent[0] < self._decide - EPOCH_SECONDS:
                self._recent.popleft()
            self._decide = None
            self._measure(max(1.0, len(self._recent) - self._refused), EPOCH_SECONDS)
            self._recent.clear()

    def _measured(self, sent: float) -> bool:
        return self._start is not None and self._start <= sent <= self._start + EPOCH_SECONDS

    def _end_epoch(self) -> None:
        share = self._refused / max(1, self._sent)
        if share <= STEADY_SHARE:
            self._clean = 0 if self._refused else self._clean + 1
            self._in_vain = self._reductions = 0
            self._measure(self.rate * (min(2.0, 1 + 0.01 * 5**self._clean) if self._clean else 1.0), 0.0)
            return
        self._clean = 0
        self._reductions += 1
        self._in_vain = self._in_vain + 1 if share > VAIN_SHARE else 0
        if self._in_vain >= VAIN_EPOCHS or self._reductions >= REDUCTIONS:
            self._set_free()
            return
        accepted = max(1.0, PROBE * (self._sent - self._refused) / EPOCH_SECONDS)
        self._measure(max(accepted, self.rate / 2), SETTLE_SECONDS)

    def _set_free(self) -> None:
        self._in_vain = self._reductions = 0
        self.rate, self._start, self._next = math.inf, None, 0.0
        self._recent.clear()
        self._free_until = time.monotonic() + self._free_seconds
        self._free_seconds *= 2

    def _measure(self, rate: float, settle: float) -> None:
        self.rate = rate
        self._start = time.monotonic() + settle
        self._sent = self._refused = 0
