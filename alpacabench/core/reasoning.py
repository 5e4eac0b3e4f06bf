"""Reasoning traces are removed from an answer before it is judged, and kept beside it."""

from __future__ import annotations

import re
from typing import NamedTuple

OPEN, CLOSE = "<think>", "</think>"

_NAMES = "think|thinking|thoughts?|reasoning|analysis|reflection|seed:think|scratchpad"
_TAG = (
    rf"<(?:{_NAMES})>|\[THINK\]|◁think▷|<\|START_THINKING\|>|<\|begin_of_thought\|>|<\|channel>thought"
    r"|(?:<\|start\|>\w+)?<\|channel\|>(?:analysis|commentary)"
)
_OPENS = re.compile(rf"\s*(?:{_TAG})", re.IGNORECASE)
_OPENS_LATER = re.compile(rf"^[ \t]*(?:{_TAG})[ \t]*$", re.IGNORECASE | re.MULTILINE)
"""On a line of its own: elsewhere in a sentence the tag is only spoken of."""
_CLOSES = re.compile(
    rf"</(?:{_NAMES})>|\[/THINK\]|◁/think▷|<\|END_THINKING\|>|<\|end_of_thought\|>|<channel\|>"
    r"|<\|channel\|>final<\|message\|>",
    re.IGNORECASE,
)
_TURN_ENDS = re.compile(
    r"<\|(?:im_end|im_start|eot_id|end|return|endoftext|end_of_text|end_of_solution|endofturn|start_header_id)\|>"
    r"|<(?:end_of_turn|start_of_turn|turn\|)>|<｜end▁of▁sentence｜>|</s>\s*\Z"
)
"""What stands behind the end of a turn, where a server lets it through, was not said in it."""


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
    start = conclusion_start(text)
    return "" if start is None else _TURN_ENDS.split(text[start:], maxsplit=1)[0].strip()


def conclusion_start(text: str) -> int | None:
    """Return where the text after the trace begins; None where it is cut in the trace."""
    start = max((match.end() for match in _CLOSES.finditer(text)), default=0)
    rest = text[start:]
    return None if _OPENS.match(rest) or _OPENS_LATER.search(rest) else start
