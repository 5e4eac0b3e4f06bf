"""A model whose quality is its seed, and a judge: both write down what they are asked."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from alpacabench.decoding import Decoding
from alpacabench.judge.base import Question
from alpacabench.judge.longest import Longest
from alpacabench.model.base import Request
from alpacabench.model.echo import Echo
from alpacabench.sharding import Sharding
from alpacabench.store.ask_once import Reply


def _note(kind: str, keys: list[str]) -> None:
    with Path(os.environ["ASKED"]).open("a") as file:
        file.writelines(f"{kind} {key}\n" for key in keys)


class Graded(Echo):
    """Writes long answers, which the longest-answer judge prefers, but a single letter at seed 1."""

    def ask(self, requests: list[Request], decoding: Decoding, sharding: Sharding) -> Iterable[Reply]:
        _note("answer", [request.key for request in requests])
        text = "x" if decoding.seed == 1 else "long " * 4000 + str(decoding.seed)
        payload = {"finish_reason": "stop", "prompt_tokens": 1, "completion_tokens": 1, "seconds": 0.0}
        for request in requests:
            yield Reply(request.key, {"text": text, **payload})


class Counted(Longest):
    """The longest answer wins."""

    def ask(self, questions: list[Question]) -> Iterable[Reply]:
        _note("verdict", [question.key for question in questions])
        return super().ask(questions)
