"""A model without weights: answers derived from the prompt, for trying the machinery and for tests."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any, ClassVar

from alpacabench.decoding import Decoding
from alpacabench.model.base import Model
from alpacabench.model.request import Request
from alpacabench.sharding import Sharding
from alpacabench.store.ask_once import Reply

DEFAULT_WORDS = 48
"""About how long an answer is, where `decoding.max_new_tokens` allows it."""


class Echo(Model):
    """Answers with the words of the prompt: in order when greedy, shuffled by the request's key when sampling."""

    sharding_modes: ClassVar[frozenset[str]] = frozenset(
        {"none", "data_parallel", "zero3", "tensor_parallel", "device_map"}
    )
    # It is offered tools and never calls any.
    takes_tools: ClassVar[bool] = True
    name: str | None = "echo"

    def identity(self) -> dict[str, Any]:
        """Return the backend's name: there is nothing else."""
        return {"backend": "echo"}

    def ask(self, requests: list[Request], decoding: Decoding, sharding: Sharding) -> Iterable[Reply]:
        """Answer every request at once; a word counts as a token."""
        for request in requests:
            text = request.messages[-1][1]
            words = text.split() or ["(nothing)"]
            if decoding.samples:
                random.Random(request.key).shuffle(words)
            length = DEFAULT_WORDS // 2 + len(text) % DEFAULT_WORDS
            answer = (words * (length // len(words) + 1))[:length]
            cut = answer[: decoding.max_new_tokens]
            yield Reply(
                request.key,
                {
                    "text": " ".join(cut),
                    "finish_reason": "stop" if len(cut) == len(answer) else "length",
                    "prompt_tokens": sum(len(message[1].split()) for message in request.messages),
                    "completion_tokens": len(cut),
                    "seconds": 0.0,
                },
            )
