"""What came of a conversation with tools: how it ended, and whether it did what its row expects."""

from __future__ import annotations

from alpacabench.core.records import Generation


def right(generation: Generation) -> tuple[bool, ...]:
    """Return whether each turn came to what its row expects; empty where it expects nothing or an answer is missing."""
    exchange, turns = generation.prompt.exchange, len(generation.prompt.turns)
    return exchange.right(generation.steps, turns) if generation.text is not None else ()


def ending(generation: Generation) -> str:
    """Return how a conversation with tools ended: `answer`, `max_steps` where the model still called, or `call`.

    `call` is that of a tool whose call is itself the answer. Empty without tools, and where an answer is missing.
    """
    return generation.prompt.exchange.ending(generation.steps) if generation.text is not None else ""
