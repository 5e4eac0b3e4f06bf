"""What requests cost, and whether the next one may be paid for."""

from __future__ import annotations

from collections.abc import Callable

from alpacabench.endpoint.wire import Body, Completion


class Purse:
    """Prices of one model, without a cap."""

    def cost(self, completion: Completion) -> float | None:
        """Return the dollars that a completion cost; None where the price is unknown."""
        return None

    async def reserve(self, body: Body, stopped: Callable[[], bool]) -> int:
        """Reserve what the request can cost at most."""
        return 0

    async def settle(self, hold: int, cost: float | None) -> None:
        """Replace a reservation by what was spent; None keeps it."""
