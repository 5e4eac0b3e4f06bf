"""A conversation as one text for people, and where in it each message begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from alpacabench.core.exchange import Messages, Step, ToolResult, transcript

GAP = len("\n\n")
CAME = {
    "ok": "result", "error": "the tool's error", "invalid": "invalid call", "failed": "injected failure",
    "not_run": "not run",
}  # fmt: skip
"""What people read of a call's status."""


class Conversation(NamedTuple):
    """A text with its parts."""

    text: str
    parts: tuple[tuple[int, str], ...]
    """Where each message begins, in characters, and whose it is; a `call` of a tool and its result are messages."""
    answer: tuple[int, int]
    """Where the content of the last answer begins and ends; calls of tools may follow."""

    def answering(self, text: str) -> Conversation:
        """Return the conversation with another last answer."""
        start, end = self.answer
        moved = tuple((at if at < end else at - end + start + len(text), role) for at, role in self.parts)
        return Conversation(self.text[:start] + text + self.text[end:], moved, (start, start + len(text)))


def came(result: ToolResult) -> str:
    """Return in words what came of a call, and which failure was injected."""
    return CAME.get(result.status, result.status) + (f": {result.injected}" if result.injected else "")


def is_conversation(steps: Sequence[Step]) -> bool:
    """Return whether there is more to show than one answer: several steps, or a call of a tool."""
    return len(steps) > 1 or any(step.results for step in steps)


def of_steps(steps: Sequence[Step]) -> Conversation:
    """Return what user, tools and model said, each call with what came of it."""
    return _conversation(tuple(_said(steps)), ends=bool(steps[-1].text))


def of_turns(turns: Sequence[str], answers: Sequence[str]) -> Conversation:
    """Return the user's turns, each with its answer."""
    said = zip(turns, answers, strict=False)
    return _conversation(tuple(m for turn, answer in said for m in (("user", turn), ("assistant", answer))), ends=True)


def _said(steps: Iterable[Step]) -> Iterator[tuple[str, ...]]:
    called: tuple[ToolResult, ...] = ()
    for step in steps:
        # Results stand with their calls, also those that the model was not told any more.
        yield from (message for message in step.asked if not (called and message[0] == "tool"))
        if step.text or not step.results:
            yield ("assistant", step.text)
        called = step.results
        for result in called:
            yield ("call", f"{result.name or '(no name)'} {result.arguments}")
            went_on = result.status in ("ok", "not_run")
            word = "" if result.status == "ok" else f"({came(result)}) "
            yield ("tool" if went_on else "tool failed", (word + result.text).rstrip())


def _conversation(messages: Messages, ends: bool) -> Conversation:
    """Return it; `ends` says whether its last answer has a text."""
    texts = [transcript((message,)) for message in messages]
    starts = list(accumulate((len(text) + GAP for text in texts[:-1]), initial=0))
    text, parts = "\n\n".join(texts), tuple(zip(starts, (message[0] for message in messages), strict=True))
    if not ends:
        return Conversation(text, parts, (len(text), len(text)))
    place = max(place for place, message in enumerate(messages) if message[0] == "assistant")
    end = starts[place] + len(texts[place])
    return Conversation(text, parts, (end - len(messages[place][1]), end))
