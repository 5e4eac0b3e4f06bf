"""A conversation as one text for people, and where in it each message begins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from alpacabench.core.exchange import Messages, Step, transcript

GAP = len("\n\n")


class Conversation(NamedTuple):
    """A text with its parts."""

    text: str
    parts: tuple[tuple[int, str], ...]
    """Where each message begins, in characters, and whose it is."""

    @property
    def last(self) -> int:
        """Where the content of the last message begins."""
        start, role = self.parts[-1]
        return start + len(transcript(((role, ""),)))


def conversation(messages: Messages) -> Conversation:
    """Return what was said, in order."""
    texts = [transcript((message,)) for message in messages]
    starts = [sum(map(len, texts[:place])) + GAP * place for place in range(len(texts))]
    return Conversation(transcript(messages), tuple(zip(starts, (message[0] for message in messages), strict=True)))


def of_steps(steps: Iterable[Step]) -> Conversation:
    """Return what user, tools and model said."""
    return conversation(tuple(message for step in steps for message in (*step.asked, step.message())))


def of_turns(turns: Sequence[str], answers: Sequence[str]) -> Conversation:
    """Return the user's turns, each with its answer."""
    said = zip(turns, answers, strict=False)
    return conversation(tuple(m for turn, answer in said for m in (("user", turn), ("assistant", answer))))
