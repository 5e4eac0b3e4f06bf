"""Conversations in rounds: each that goes on is asked once more, until all have ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from alpacabench.core.exchange import Step
from alpacabench.model.request import Request
from alpacabench.store.ask_once import Answers
from alpacabench.store.payload import Payload

End = tuple[Request, Step | None]
"""The last request of a prompt with its answer; None where it has none."""


def converse(requests: Sequence[Request], ask: Callable[[list[Request]], Answers]) -> list[End]:
    """Return how each conversation ends, in order.

    Args:
        requests: those with which the conversations begin.
        ask: has the requests of one round answered. One that has no answer ends its conversation.

    """
    ends: dict[int, End] = {}
    asked = dict(enumerate(requests))
    while asked:
        answers = ask(list(asked.values()))
        going_on: dict[int, Request] = {}
        for place, request in asked.items():
            payload = answers.payloads.get(request.key)
            step = None if payload is None else request.step(payload, request.key not in answers.asked)
            following = request.after(step) if step else None
            if following:
                going_on[place] = following
            else:
                ends[place] = request, step
        asked = going_on
    return [ends[place] for place in range(len(requests))]


def following(request: Request, payloads: Mapping[str, Payload]) -> Request | None:
    """Return what is asked after a request, given the answers by key; None at the end, and where it has no answer."""
    payload = payloads.get(request.key)
    return None if payload is None else request.after(request.step(payload))
