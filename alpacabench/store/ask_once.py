"""Ask each distinct question once: the store's answers first, then whatever is missing, committed as it arrives.

Both generation and judging go through `ask_once`. A question in flight is claimed, so that several processes over one
store never ask the same thing; the others wait for its result and take over a dead owner's claim.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

from alpacabench.core.errors import AlpacabenchError

Kind = Literal["generation", "verdict"]
Payload = dict[str, Any]
Question = TypeVar("Question")


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one question: a payload, or the cause of a failure."""

    key: str
    payload: Payload | None = None
    failure: str | None = None
    detail: Any = None
    """For a failure: what was received, so that a person can look at it. JSON-serialisable."""


FLUSH = Reply("")
"""Yielded between replies: nothing more has arrived for now, so what has is committed before anything new is sent."""


@dataclass(slots=True)
class Answers:
    """The outcome of `ask_once`, by key."""

    payloads: dict[str, Payload] = field(default_factory=dict)
    failures: dict[str, Reply] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    """Keys whose payload this call asked for (the others came from the store or from another process)."""


class AnswerStore(Protocol):
    """The part of the store that `ask_once` needs."""

    def get(self, kind: Kind, keys: Iterable[str]) -> dict[str, Payload]:
        """Return the stored payloads of those keys that have one."""

    def claim(self, kind: Kind, keys: Iterable[str]) -> set[str]:
        """Claim keys that nobody else has claimed; return those that are now ours."""

    def commit(self, kind: Kind, replies: Iterable[Reply]) -> None:
        """Write payloads and failures durably and release their claims."""

    def release(self, kind: Kind, keys: Iterable[str]) -> None:
        """Release our claims on keys that were not answered."""


Ask = Callable[[list[Question]], Iterable[Reply]]

COMMIT_SECONDS = 0.05
"""Replies that arrive within this time are committed together; kill -9 loses at most these and what is in flight."""

WAIT_SECONDS = 0.2
"""How often to look for a result that another process has in flight."""


def ask_once(
    store: AnswerStore,
    kind: Kind,
    questions: Mapping[str, Question],
    ask: Ask[Question],
    advance: Callable[[int], None] = lambda count: None,
) -> Answers:
    """Answer every question, asking only those that the store does not hold.

    Args:
        store: where answers are found, claimed and committed.
        kind: which table.
        questions: by key, in the order in which they should be asked.
        ask: asks a list of questions and yields replies in any order, as they arrive.
        advance: told how many more questions are settled, for the progress bar.

    Returns:
        Payloads and failures by key. A failure is never a stored answer: the next call asks it again.

    """
    answers = Answers()
    unsettled = list(questions)
    while unsettled:
        hits = store.get(kind, unsettled)
        answers.payloads |= hits
        advance(len(hits))
        unsettled = [key for key in unsettled if key not in hits]
        claimed = store.claim(kind, unsettled)
        if claimed:
            # Another process may have answered and released between our look and our claim.
            late = store.get(kind, claimed)
            if late:
                store.release(kind, late)
            asked = [key for key in unsettled if key in claimed and key not in late]
            _ask(store, kind, asked, questions, ask, advance, answers)
            unsettled = [key for key in unsettled if key not in claimed or key in late]
        elif unsettled:
            time.sleep(WAIT_SECONDS)
    return answers


def _ask(
    store: AnswerStore,
    kind: Kind,
    keys: list[str],
    questions: Mapping[str, Question],
    ask: Ask[Question],
    advance: Callable[[int], None],
    answers: Answers,
) -> None:
    """Ask the claimed keys; commit replies as they arrive, also when asking stops with an error."""
    unanswered = set(keys)
    pending: list[Reply] = []
    last_commit = time.monotonic()
    try:
        for reply in ask([questions[key] for key in keys]) if keys else ():
            if reply is FLUSH:
                store.commit(kind, pending)
                pending, last_commit = [], time.monotonic()
                continue
            pending.append(reply)
            unanswered.discard(reply.key)
            if reply.payload is not None:
                answers.payloads[reply.key] = reply.payload
                answers.asked.add(reply.key)
            else:
                answers.failures[reply.key] = reply
            advance(1)
            if time.monotonic() - last_commit >= COMMIT_SECONDS:
                store.commit(kind, pending)
                pending, last_commit = [], time.monotonic()
    except AlpacabenchError as error:
        missing = len(questions) - len(answers.payloads)
        error.add_note(f"{missing} of {len(questions)} {kind}s are missing; the others are kept")
        raise
    finally:
        store.commit(kind, pending)
        store.release(kind, unanswered)
    for key in unanswered:
        answers.failures[key] = Reply(key, failure="no reply")
