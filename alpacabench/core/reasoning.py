"""Reasoning traces are removed from an answer before it is judged, and kept beside it."""

from __future__ import annotations

from typing import NamedTuple

OPEN, CLOSE = "<think>", "</think>"


class Parted(NamedTuple):
    """An answer without its trace, and the trace."""

    text: str
    reasoning: str | None


def part(text: str, opened: bool = False) -> Parted:
    """Part an answer from its leading trace.

    Args:
        text: what the model wrote.
        opened: whether the prompt itself ended with the opening tag, as some chat templates do.

    Returns:
        The answer and the trace. A trace that is never closed leaves an empty answer: the model was cut in it.

    """
    start = text.lstrip()
    if not opened and not start.startswith(OPEN):
        return Parted(text, None)
    trace, closed, answer = start.removeprefix(OPEN).partition(CLOSE)
    return Parted(answer.lstrip() if closed else "", trace.strip())
