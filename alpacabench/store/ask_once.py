"""Ask each distinct question once: the store's answers first, then whatever is missing, committed as it arrives.

Both generation and judging go through `ask_once`. A question in flight is claimed, so that several processes over one
store never ask the same thing; the others wait for its result and take over a dead owner's claim.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from alpacabench.core.context import find, owned
from alpacabench.core.errors import AlpacabenchError, StoreError
from alpacabench.store.ahead import Ahead
from alpacabench.store.payload import Kind, Payload, payload_problem

log = logging.getLogger(__name__)

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

    @property
    def term(self) -> int:
        """A fencing token for what is claimed from now on."""

    def valid(self, term: int) -> bool:
        """Return whether what was claimed in a term is still claimed: another process may count a sleeper as dead."""

    def commit(self, kind: Kind, replies: Iterable[Reply]) -> dict[str, Payload]:
        """Write payloads and failures durably and release their claims.

        Returns:
            The payloads of other processes for those of the keys that they had stored before: they stay.

        """

    def release(self, kind: Kind, keys: Iterable[str]) -> None:
        """Release our claims on keys that were not answered."""


Ask = Callable[[list[Question]], Iterable[Reply]]

COMMIT_SECONDS = 0.05
"""Replies that arrive within this time are committed together; kill -9 loses at most these and what is in flight."""

WAIT_SECONDS = 0.2
"""How often to look for a result that another process has in flight."""

may_ask: ContextVar[Callable[[], bool]] = ContextVar("may_ask", default=lambda: True)
"""Looked up by what asks, before each request: whether the questions in hand are still this process's to ask."""


def ask_once(
    store: AnswerStore,
    kind: Kind,
    questions: Mapping[str, Question],
    ask: Ask[Question],
    advance: Callable[[int], None] = lambda count: None,
    arrived: Callable[[Mapping[str, Payload]], None] = lambda payloads: None,
) -> Answers:
    """Answer every question, asking only those that the store does not hold.

    Args:
        store: where answers are found, claimed and committed.
        kind: which table.
        questions: by key, in the order in which they should be asked.
        ask: asks a list of questions and yields replies in any order, as they arrive.
        advance: told how many more questions are settled, for the progress bar.
        arrived: given the payloads by key, as soon as they are stored.

    Returns:
        Payloads and failures by key. A failure is never a stored answer: the next call asks it again.

    """
    answers, start, ahead = Answers(), time.monotonic(), find(Ahead)
    failed: dict[str, Reply] = {}
    try:
        _settle(_Asking(store, kind, answers, advance, arrived), questions, ask, None if ahead else owned(Ahead))
        # Where asking ends with an error, who reads next asks again, and has that error.
        failed = answers.failures
    finally:
        if ahead is not None:
            ahead.note(kind, answers.asked, failed, time.monotonic() - start)
    return answers


def _settle(asking: _Asking, questions: Mapping[str, Question], ask: Ask[Question], ahead: Ahead | None) -> None:
    """Answer every question: by the store, by what was asked ahead, by asking, or by waiting for another process."""
    store, kind, answers = asking.store, asking.kind, asking.answers
    unsettled = list(questions)
    told = False
    while unsettled:
        hits = store.get(kind, unsettled)
        asking.found(hits)
        failed = ahead.failures(kind, (key for key in unsettled if key not in hits)) if ahead else {}
        if ahead:
            answers.asked |= ahead.take(kind, hits)
            answers.failures |= failed
            asking.advance(len(failed))
        unsettled = [key for key in unsettled if key not in hits and key not in failed]
        if not unsettled:
            break
        term = store.term
        claimed = store.claim(kind, unsettled)
        if claimed:
            # Another process may have answered and released between our look and our claim.
            late = store.get(kind, claimed)
            if late:
                store.release(kind, late)
            asked = [key for key in unsettled if key in claimed and key not in late]
            lost = asking.ask(term, asked, questions, ask)
            unsettled = [key for key in unsettled if key not in claimed or key in late or key in lost]
        else:
            if not told:
                log.info("%d %ss are in flight in another process: waiting for them", len(unsettled), kind)
                told = True
            time.sleep(WAIT_SECONDS)


@dataclass
class _Asking:
    """Asks claimed keys; what arrives is committed at once, also when asking stops with an error."""

    store: AnswerStore
    kind: Kind
    answers: Answers
    advance: Callable[[int], None]
    arrived: Callable[[Mapping[str, Payload]], None]
    pending: list[Reply] = field(default_factory=list)
    committed: float = field(default_factory=time.monotonic)

    def found(self, payloads: Mapping[str, Payload]) -> None:
        """Take what the store holds."""
        self.answers.payloads |= payloads
        self.advance(len(payloads))
        self.arrived(payloads)

    def ask(self, term: int, keys: list[str], questions: Mapping[str, Question], ask: Ask[Question]) -> set[str]:
        """Ask what was claimed in a term; return what others have claimed since, because this process slept."""
        unanswered = set(keys)
        mine = may_ask.set(lambda: self.store.valid(term))
        try:
            for reply in ask([questions[key] for key in keys]) if keys else ():
                if reply.key in questions:
                    self.pending.append(_checked(self.kind, reply))
                    unanswered.discard(reply.key)
                if reply is FLUSH or time.monotonic() - self.committed >= COMMIT_SECONDS:
                    self._commit()
        except AlpacabenchError as error:
            if not isinstance(error, StoreError):
                self._commit()
            missing = len(questions) - len(self.answers.payloads)
            error.add_note(f"{missing} of {len(questions)} {self.kind}s are missing; the others are kept")
            raise
        finally:
            may_ask.reset(mine)
            self._commit()
            self.store.release(self.kind, unanswered)
        if unanswered and not self.store.valid(term):
            return unanswered
        for key in unanswered:
            self.answers.failures[key] = Reply(key, failure="no reply")
        return set()

    def _commit(self) -> None:
        """Commit what has arrived. The first answer that is stored is everybody's, so that all report the same."""
        earlier, replies = self.store.commit(self.kind, self.pending), self.pending
        self.pending = []
        if earlier:
            log.warning("%d %ss had been stored by another process meanwhile; those stay", len(earlier), self.kind)
        given = {
            reply.key: reply.payload for reply in replies if reply.payload is not None and reply.key not in earlier
        }
        self.answers.failures |= {r.key: r for r in replies if r.payload is None and r.key not in earlier}
        self.answers.payloads |= earlier | given
        self.answers.asked |= set(given)
        self.advance(len(replies))
        self.arrived(earlier | given)
        self.committed = time.monotonic()


def _checked(kind: Kind, reply: Reply) -> Reply:
    """Return the reply, a failure where its payload is no answer of its kind: never stored as one, and asked again."""
    if reply.payload is None or not (problem := payload_problem(kind, reply.payload)):
        return reply
    return Reply(reply.key, failure=f"no usable {kind}: {problem}", detail={"completion": reply.payload})
