"""The contract of the model group, and generation through the store.

A backend implements `identity` (what determines its text) and `ask` (write the missing answers). `model=recorded`
overrides `generate`, since its answers exist already.
"""

from __future__ import annotations

import json
import logging
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from alpacabench.core import progress
from alpacabench.core.component import Component
from alpacabench.core.errors import Problem
from alpacabench.core.records import Example, Generation, Prompt, digest
from alpacabench.cost.expected import Expected
from alpacabench.cost.tokens import estimate_prompt_tokens
from alpacabench.decoding import Decoding
from alpacabench.inference.spec import ModelSpec
from alpacabench.inference.weights.checkpoint import last_part
from alpacabench.model.request import Request
from alpacabench.model.rounds import converse
from alpacabench.sharding import Sharding
from alpacabench.store.ask_once import Answers, AnswerStore, Reply, ask_once

log = logging.getLogger(__name__)


class Model(Component):
    """Base of all models: the contract keys of the group."""

    group: ClassVar[str] = "model"
    shared_keys: ClassVar[frozenset[str]] = frozenset({"path", "name", "system_prompt", "allow_missing"})

    path: str | None = None
    """Hub id, directory, outputs file, or the API's model id."""
    name: str | None = None
    """Display label; by default the last part of the path."""
    revision: str | None = None
    dtype: str | None = None
    base_url: str | None = None
    system_prompt: str | None = None
    template: str | None = None
    allow_missing: bool | None = None

    decoding_fields: ClassVar[frozenset[str]] = frozenset(Decoding.model_fields)
    """The decoding fields that reach this backend; any other is refused where it is not at its default."""
    takes_tools: ClassVar[bool] = False
    """Whether it can be offered tools."""
    own_temperature: ClassVar[bool] = False
    """Whether there is a temperature where `decoding.temperature` is null."""
    sharding_modes: ClassVar[frozenset[str]] = frozenset({"none"})
    """The sharding modes that this backend can run under."""

    @property
    def label(self) -> str:
        """The display label."""
        return self.name or last_part(self.path or type(self).__name__)

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Return what determines the text: backend, weights digest or revision, template text, dtype, quantisation.

        Computed without torch or transformers; JSON-serialisable.
        """

    def check_with(self, decoding: Decoding, sharding: Sharding) -> Iterator[Problem]:
        """Yield the decoding and sharding values that this backend cannot honour, without loading anything."""
        chosen = type(self).__name__
        for name, field in Decoding.model_fields.items():
            value = getattr(decoding, name)
            if name not in self.decoding_fields and value != field.default:
                given = f"given {value!r}, but {chosen} cannot honour it"
                yield Problem(f"decoding.{name}", given, f"leave it at {field.default!r}")
        if decoding.temperature is None and not self.own_temperature:
            remedy = "give a number: 0 is greedy, above 0 samples; null is for models behind an API"
            yield Problem("decoding.temperature", f"given null, but {chosen} has no temperature of its own", remedy)
        if sharding.mode not in self.sharding_modes:
            yield Problem(
                "sharding", f"{chosen} cannot run under sharding={sharding.mode}",
                "allowed: " + ", ".join(sorted(self.sharding_modes)),
            )  # fmt: skip

    def check_examples(self, examples: Sequence[Example]) -> Iterator[Problem]:
        """Yield what does not fit the full data set (not only the subset)."""
        yield from ()

    @abstractmethod
    def ask(self, requests: list[Request], decoding: Decoding, sharding: Sharding) -> Iterable[Reply]:
        """Write the answers; yield replies in any order, as they are ready.

        A payload has `text`, and optionally `finish_reason`, `prompt_tokens`, `completion_tokens`, `seconds`,
        `reasoning`, `cost_usd`, and `layout` (batch size, processes, device: recorded, never part of the key).
        """

    def ask_all(self, requests: list[tuple[Request, Decoding]], sharding: Sharding) -> Iterable[Reply]:
        """Write answers that have decoding values of their own, in the way of the class that says how to ask."""
        line = type(self).__mro__
        ask, each = (next(n for n, cls in enumerate(line) if name in vars(cls)) for name in ("ask", "ask_each"))
        # A class that changes `ask` alone must not be passed by.
        yield from self.ask_each(requests, sharding) if each <= ask else Model.ask_each(self, requests, sharding)

    def ask_each(self, requests: list[tuple[Request, Decoding]], sharding: Sharding) -> Iterable[Reply]:
        """Write answers that have decoding values of their own; by default those with equal values together."""
        alike: dict[str, tuple[Decoding, list[Request]]] = {}
        for request, decoding in requests:
            alike.setdefault(digest(decoding.model_dump(mode="json")), (decoding, []))[1].append(request)
        for decoding, some in alike.values():
            yield from self.ask(some, decoding, sharding)

    def requests(self, prompts: Sequence[Prompt], decoding: Decoding) -> list[Request]:
        """Return the requests with which these prompts begin, `decoding.n` each, with their store keys."""
        basis = {"identity": self.identity(), "decoding": decoding.key()}
        return [
            Request.first(prompt, self.system_prompt, sample, basis)
            for prompt in prompts
            for sample in range(decoding.n)
        ]

    def generate(
        self, prompts: Sequence[Prompt], decoding: Decoding, sharding: Sharding, store: AnswerStore
    ) -> list[Generation]:
        """Return one generation per prompt and sample, in order; only answers that the store lacks are written.

        Conversations go in rounds: in each, every one that goes on is asked once more.
        """
        failed: dict[str, Reply] = {}

        def ask(asked: list[Request]) -> Answers:
            questions = {request.key: request for request in asked}
            with progress.stage(f"Generating with {self.label}", len(questions), unit="answers") as advance:
                answers = ask_once(
                    store, "generation", questions, lambda missing: self.ask(missing, decoding, sharding), advance
                )
            failed.update(answers.failures)
            return answers

        ends = converse(self.requests(prompts, decoding), ask)
        causes = {key: reply.failure for key, reply in failed.items()}
        generations = [request.generation(self.label, step, causes.get(request.key)) for request, step in ends]
        warn(generations, decoding)
        return generations

    def models_to_load(self) -> frozenset[ModelSpec]:
        """Return the models that answering loads; none where a server holds them, or where there are none."""
        return frozenset()

    def paid_models(self) -> list[tuple[str, str]]:
        """Return the key and the name of each model whose requests have a price; a model of one's own has none."""
        return []

    def endings(self) -> list[str]:
        """Return a warning for each model that its provider will soon shut down."""
        return []

    def expected(self, request: Request, decoding: Decoding) -> Expected:
        """Return what a request is expected to take; a model of one's own costs no dollars."""
        offered = [{"role": "tools", "content": json.dumps(tool)} for tool in request.prompt.exchange.tools()]
        prompt = estimate_prompt_tokens([*offered, *request.chat()])
        most = float(decoding.max_new_tokens)
        return Expected(self.label, (prompt, prompt + request.unwritten * most), (1.0, most), (0.0, 0.0))

    def known(
        self, prompts: Sequence[Prompt], decoding: Decoding, store: AnswerStore
    ) -> tuple[list[Generation], list[Request]]:
        """Return the answers that exist already, and the next request of each prompt without one (for `plan=true`)."""
        return self.replay(self.requests(prompts, decoding), store)

    def replay(self, requests: Sequence[Request], store: AnswerStore) -> tuple[list[Generation], list[Request]]:
        """Return the answers with which these first requests end in the store, and the first that it lacks of others.

        Of a conversation that has begun the request holds the steps that are answered.
        """

        def look_up(asked: list[Request]) -> Answers:
            return Answers(store.get("generation", [request.key for request in asked]))

        ends = converse(requests, look_up)
        # Prompts with the same request are one question, unless they go on differently.
        missing = {(request.key, request.script): request for request, step in ends if step is None}
        return [request.generation(self.label, step) for request, step in ends if step], list(missing.values())


def warn(generations: Sequence[Generation], decoding: Decoding) -> None:
    """Log how many answers were cut at the token limit, are empty, or are missing."""
    cut = sum(g.finish_reason == "length" for g in generations)
    empty = sum(g.text is not None and not g.text.strip() for g in generations)
    failed = [g for g in generations if g.text is None]
    if cut:
        log.warning(
            "%d of %d answers were cut at decoding.max_new_tokens=%d", cut, len(generations), decoding.max_new_tokens
        )
    if empty:
        log.warning("%d of %d answers are empty; they are judged as they are", empty, len(generations))
    if failed:
        cause = failed[0].failure
        log.warning("%d of %d answers are missing; the first cause: %s", len(failed), len(generations), cause)
