"""Judges behind an API: what the server, the prompt and the retries have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, Literal

from pydantic import Field

from alpacabench.core.errors import JudgeError, Problem
from alpacabench.core.exchange import Message
from alpacabench.core.extras import missing
from alpacabench.core.hosts import public_url
from alpacabench.core.records import Pair, Verdict, digest
from alpacabench.cost.expected import Expected
from alpacabench.cost.price import Price, ending, price_of, retired
from alpacabench.endpoint.server import OWN_HOST, WireFormat, check_url, open_wire
from alpacabench.endpoint.wire import Body, Completion, Wire
from alpacabench.judge.base import Judge, UnparsableVerdictError
from alpacabench.judge.question import Question
from alpacabench.judge.template import check_template, load_template, render
from alpacabench.store.ahead import asked_for_this_job
from alpacabench.store.ask_once import AnswerStore, Reply, ask_once
from alpacabench.store.payload import Payload, payload_problem


class ApiJudge(Judge):
    """A judge model behind an OpenAI-compatible or an Anthropic server."""

    key_variable: ClassVar[str | None] = None
    """Holds the key for a `base_url` that is no provider's own host; None is the wire format's."""

    name: str
    """How the judge is called in annotations and leaderboards."""
    name_model: str | None = None
    """The model that the name stands for; another `model_name` shows in the label."""
    model_name: str
    base_url: str | None = Field(None, repr=False)
    template: str
    concurrency: int = Field(64, ge=1)
    mode: Literal["direct", "batch"] | None = None
    provider: WireFormat = "openai"
    """The wire format."""
    temperature: float | None = Field(None, ge=0.0)
    """None sends none: for models that fix it."""
    reasoning_effort: str | None = None
    """How much the judge model thinks, as its server calls it; None sends none."""
    max_tokens: int = Field(..., ge=1)
    timeout: float = Field(120.0, gt=0.0)
    """Seconds that one request may take."""

    @property
    def label(self) -> str:
        """The name; with another model or template than the name stands for, that too."""
        model = "" if self.name_model in (None, self.model_name) else f":{self.model_name}"
        own = self.template.startswith(("alpaca_eval:", "alpacabench:"))
        return self.name + model + ("" if own else f"[{self.template.rpartition('/')[2]}]")

    @property
    def url(self) -> str:
        """The server's base URL: the given one, or the provider's own."""
        return self.base_url or OWN_HOST[self.provider]

    def problems(self) -> Iterator[Problem]:
        """Yield a bad URL, a missing key at the provider's own host, a retired model there, a bad template."""
        yield from check_url("judge", self.url, self.wire().default_variable)
        yield from retired("judge.model_name", self.model_name, self.url)
        if self.provider == "anthropic":
            yield from missing("judge", "a judge behind Anthropic's API", "anthropic")
            if self.reasoning_effort is not None:
                remedy = "leave judge.reasoning_effort=null"
                yield Problem("judge.reasoning_effort", "Anthropic's wire format has no such field", remedy)
        yield from check_template(self.template)
        if self.mode == "batch" and self.provider != "openai":
            yield Problem("judge.mode", "given 'batch', which is OpenAI's Batch API", "leave judge.mode=null")

    def identity(self) -> dict[str, Any]:
        """Return the judge model and what is sent beside the prompt; the server's address is no part of it."""
        return {"model": self.model_name, "reader": type(self).__name__, **self.parameters()}

    def render(self, instruction: str, output_1: str, output_2: str) -> list[Message]:
        """Fill the template."""
        return render(load_template(self.template), instruction, output_1, output_2)

    def parameters(self) -> Body:
        """Return the decoding values that are sent."""
        values: Body = {"max_tokens": self.max_tokens}
        if self.reasoning_effort is not None:
            values["reasoning_effort"] = self.reasoning_effort
        return values if self.temperature is None else values | {"temperature": self.temperature}

    def body(self, messages: list[Message]) -> Body:
        """Return the request for a prompt."""
        return {"model": self.model_name, "messages": messages, **self.parameters()}

    @abstractmethod
    def read(self, completion: Completion, question: Question) -> Payload:
        """Return `preference` in the order SHOWN (1 = the first answer wins, 2 = the second) and perhaps `criteria`.

        Raises:
            UnparsableVerdictError: the completion contains no verdict.

        """

    @cached_property
    def price(self) -> Price | None:
        """What the judge model costs; None is unknown."""
        return price_of(self.model_name)

    def wire(self) -> Wire:
        """Return the server."""
        return open_wire(self.provider, self.url, self.timeout, self.key_variable)

    def paid_models(self) -> list[tuple[str, str]]:
        """Return the judge model."""
        return [("judge.model_name", self.model_name)]

    def endings(self) -> list[str]:
        """Return a warning where the judge model ends soon at its provider's own host."""
        return ending("judge.model_name", self.model_name, self.url)

    def expected(self, question: Question, unwritten: float = 0.0) -> Expected:
        """Return what a question is expected to take; without a known price the dollars are unknown."""
        prompt = super().expected(question, unwritten).prompt
        completion = (1.0, float(self.max_tokens))
        dollars = self.price and self.price.bounds(prompt, completion, batch=self.mode == "batch")
        return Expected(self.label, prompt, completion, dollars)

    def probes(self, pairs: Sequence[Pair]) -> list[Question]:
        """Return the questions under keys of the server and of what is sent to it, whatever the prompts are.

        Batches are judged by another API of the server.
        """
        if self.mode == "batch":
            return []
        server, sent = public_url(self.url), self.identity()
        questions = enumerate(self.questions(pairs))
        return [replace(question, key=digest(["probe", server, sent, number])) for number, question in questions]

    def probe(self, pairs: Sequence[Pair], store: AnswerStore) -> list[Verdict]:
        """Ask one question, and where it has no answer all: one prompt may be at fault, several show the server's."""
        from alpacabench.endpoint.spending import paying_with

        asked: dict[str, Verdict] = {}
        questions = {question.key: question for question in self.probes(pairs)}
        held = store.get("verdict", questions)
        if held and not asked_for_this_job("verdict", held):
            return []
        for some in (dict(list(questions.items())[:1]), questions):
            with paying_with(store):
                answers = ask_once(store, "verdict", some, self._by_model)
            asked |= {key: self._verdict(question, answers) for key, question in some.items()}
            if answers.payloads:
                break
        return list(asked.values())

    def judge(self, pairs: Sequence[Pair], store: AnswerStore) -> list[Verdict]:
        """Return the verdicts; the store also keeps the open batches, where nobody said who pays."""
        from alpacabench.endpoint.spending import paying_with

        with paying_with(store):
            return super().judge(pairs, store)

    def ask(self, questions: list[Question]) -> Iterable[Reply]:
        """Send the questions; replies come as they arrive."""
        from alpacabench.endpoint.asking import Call, ask_server
        from alpacabench.endpoint.batch import ask_batch
        from alpacabench.endpoint.spending import Purse

        asked = {question.key: question for question in questions}

        def read(key: str, completion: Completion) -> Payload:
            try:
                payload = {"raw": completion.raw} | self.read(completion, asked[key])
            except UnparsableVerdictError:
                raise
            # A reader looks for fields that a server may have left out, or filled with anything.
            except Exception as error:
                raise UnparsableVerdictError(f"no verdict in this form: {type(error).__name__}: {error}") from error
            if completion.served:
                payload["served"] = completion.served
            if problem := payload_problem("verdict", payload):
                raise UnparsableVerdictError(problem)
            return payload

        calls = [Call(question.key, self.body(question.chat())) for question in questions]
        purse = Purse(self.model_name, batch=self.mode == "batch")
        if self.mode == "batch":
            yield from ask_batch(self.url, calls, read, purse)
        else:
            yield from ask_server(self.wire(), calls, read, self.concurrency, purse, JudgeError)
