"""Reasoning traces are removed from an answer before it is judged, and kept beside it."""

from __future__ import annotations

import re
from typing import NamedTuple

OPEN, CLOSE = "<think>", "</think>"

_NAMES = "think|thinking|thought|reasoning|seed:think|scratchpad"
_OPENS = re.compile(
    rf"\s*(?:<(?:{_NAMES})>|\[THINK\]|◁think▷|<\|START_THINKING\|>|(?:<\|start\|>\w+)?<\|channel\|>(?:analysis|commentary))",
    re.IGNORECASE,
)
_CLOSES = re.compile(
    rf"</(?:{_NAMES})>|\[/THINK\]|◁/think▷|<\|END_THINKING\|>|<\|channel\|>final<\|message\|>", re.IGNORECASE
)


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


def conclusion(text: str) -> str:
    """Return what a judge says after its trace, in whatever tags models write one; empty where it is cut in the trace.

    Everything up to the last closing tag is the trace, also where the prompt itself opened it.
    """
    *_, rest = _CLOSES.split(text)
    return "" if _OPENS.match(rest) else rest.strip()
