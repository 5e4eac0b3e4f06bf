"""What a judge says in writing: without its reasoning trace, and never a part of it that was cut."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from alpacabench.core.reasoning import conclusion
from alpacabench.endpoint.wire import Completion
from alpacabench.judge.base import UnparsableVerdictError

MOST_TRIES = 1000
"""Opening braces that are tried, so that a text of nothing else is given up soon."""


def said(completion: Completion) -> str:
    """Return what the judge wrote after its reasoning trace.

    Raises:
        UnparsableVerdictError: the completion was cut, so that what it would have said is not known; or it is empty.

    """
    if completion.finish_reason == "length":
        raise UnparsableVerdictError("the verdict is missing or may have changed: the answer was cut at max_tokens")
    text = conclusion(completion.text)
    if not text:
        raise UnparsableVerdictError("the answer is empty, or a reasoning trace without an end")
    return text


def objects(text: str) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield the JSON objects in a text, each with the place where it ends; one inside another only where both matter.

    An object that names a key twice is broken: which of the two counts is not known.
    """
    decoder = json.JSONDecoder(object_pairs_hook=once)
    place = -1
    for _ in range(MOST_TRIES):
        place = text.find("{", place + 1)
        if place < 0:
            return
        try:
            found, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            continue
        yield found, end


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON.

    Raises:
        ValueError: a key stands twice.

    """
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found
