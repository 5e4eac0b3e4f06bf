"""A model that answers at length, now and then in a word, and in a word to whatever begins in lower case."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

from alpacabench.decoding import Decoding
from alpacabench.model.base import Request
from alpacabench.model.echo import Echo
from alpacabench.sharding import Sharding
from alpacabench.store.ask_once import Reply

SLIPS = 0.1


class BreaksOnLowerCase(Echo):
    """Its answers differ from decode to decode, and from wording to wording, as those of a sampling model do."""

    def ask(self, requests: list[Request], decoding: Decoding, sharding: Sharding) -> Iterable[Reply]:
        for reply, request in zip(super().ask(requests, decoding, sharding), requests, strict=True):
            asked = request.messages[-1][1]
            short = not asked[:1].isupper() or random.Random(request.key).random() < SLIPS
            answer = "No." if short else "word " * 2000
            yield replace(reply, payload={**(reply.payload or {}), "text": answer})
