"""A local model as the judge: one forward pass per question, weighted by the log probabilities of two letters."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from pydantic import Field

from alpacabench import inference
from alpacabench.core.errors import Problem
from alpacabench.core.exchange import Message
from alpacabench.core.records import Pair
from alpacabench.inference.spec import Choice, ChoiceAnswer, ModelSpec
from alpacabench.inference.weights.bundled import BUNDLED
from alpacabench.inference.weights.checkpoint import last_part
from alpacabench.inference.weights.source import Dtype, Source
from alpacabench.judge.base import Judge
from alpacabench.judge.conversation import texts
from alpacabench.judge.question import Question
from alpacabench.judge.template import check_template, load_template, render
from alpacabench.store.ask_once import FLUSH, Reply
from alpacabench.store.payload import Payload

log = logging.getLogger(__name__)

CUT = " […]"
"""Stands where an answer was cut for the judge."""


class LocalJudge(Judge):
    """Any transformers model; the preference is p(second letter) / (p(first) + p(second))."""

    model_name: str = BUNDLED
    template: str = "alpacabench:local"
    order: Literal["seeded", "both"] = "both"
    name: str | None = None
    """The label; by default `local-` and the last part of the path."""
    tokens: tuple[str, str] = ("A", "B")
    """What the judge answers where the first, and where the second answer shown is better."""
    max_answer_chars: int = Field(6000, ge=100)
    revision: str | None = None
    dtype: Dtype | None = None
    chat_template: str | None = None
    device: str | None = None
    quantization: Literal["8bit", "4bit"] | None = None
    trust_remote_code: bool = False
    allow_pickle: bool = False

    @property
    def label(self) -> str:
        """The judge's name."""
        return self.name or f"local-{last_part(self.model_name)}"

    @property
    def caution(self) -> str:
        """What the default judge is good for."""
        if self.model_name != BUNDLED:
            return ""
        return "the judge is a 135M model: it is for trying the machinery, and its verdicts say nothing about quality"

    @property
    def source(self) -> Source:
        """The judge model's weights."""
        return Source(
            self.model_name, self.revision, self.dtype, self.chat_template, self.device, self.quantization, None,
            self.trust_remote_code, self.allow_pickle, "judge", "model_name", "chat_template",
        )  # fmt: skip

    def problems(self) -> Iterator[Problem]:
        """Yield a missing or unsafe model, a missing chat template, a bad judge prompt."""
        yield from self.source.problems()
        yield from check_template(self.template)

    def models_to_load(self) -> frozenset[ModelSpec]:
        """Return the model itself."""
        return frozenset({self.source.spec()})

    def identity(self) -> dict[str, Any]:
        """Return the judge model's identity, and its two letters."""
        return self.source.identity() | {"tokens": list(self.tokens)}

    def render(self, instruction: str, output_1: str, output_2: str) -> list[Message]:
        """Fill the template; over-long answers are cut, so that the prompt fits the judge's context."""
        return render(load_template(self.template), instruction, self._cut(output_1), self._cut(output_2))

    def texts(self, pair: Pair) -> tuple[str, str, str]:
        """Return the texts; of an over-long conversation the beginning is cut, since its end is what is judged."""
        instruction, *whole = super().texts(pair)
        if pair.reference_before or pair.output_before:
            most = self.max_answer_chars
            whole = [text if len(text) <= most else CUT.lstrip() + text[len(CUT) - most - 1 :] for text in whole]
        return instruction, whole[0], whole[1]

    def ask(self, questions: list[Question]) -> Iterable[Reply]:
        """Weigh the two letters for every question."""
        if not questions:
            return
        cut = sum(max(map(len, texts(question.pair)[1:])) > self.max_answer_chars for question in questions)
        if cut:
            log.warning(
                "%d of %d judge prompts show an answer cut to judge.max_answer_chars=%d characters",
                cut, len(questions), self.max_answer_chars,
            )  # fmt: skip
        backend = inference.open_backend(self.source.spec())
        choices = [Choice(question.key, question.messages, self.tokens) for question in questions]
        for answer in backend.choose(choices, self.source.format()):
            if answer.failure is not None:
                yield Reply(answer.key, failure=answer.failure)
            else:
                yield Reply(answer.key, self._payload(answer))
            if answer.last:
                yield FLUSH

    def _payload(self, answer: ChoiceAnswer) -> Payload:
        first, second = answer.logprobs
        return {
            "preference": 1.0 + 1.0 / (1.0 + math.exp(min(first - second, 700.0))),
            "raw": {"logprobs": dict(zip(self.tokens, answer.logprobs, strict=True))},
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": 1,
            "seconds": answer.seconds,
            "cost_usd": 0.0,
        }

    def _cut(self, output: str) -> str:
        return output if len(output) <= self.max_answer_chars else output[: self.max_answer_chars] + CUT
