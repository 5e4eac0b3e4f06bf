"""Models behind an API: OpenAI-compatible servers and Anthropic's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, ClassVar

from pydantic import Field

from alpacabench.core.errors import GenerationError, Problem
from alpacabench.core.extras import missing
from alpacabench.core.reasoning import CLOSE, OPEN, part
from alpacabench.cost.expected import Expected
from alpacabench.cost.price import Price, ending, price_of, retired
from alpacabench.decoding import Decoding
from alpacabench.endpoint.server import OWN_HOST, WireFormat, check_url, open_wire
from alpacabench.endpoint.wire import Body, Completion, Wire
from alpacabench.model.base import Model
from alpacabench.model.request import Request
from alpacabench.sharding import Sharding
from alpacabench.store.ask_once import Reply
from alpacabench.store.payload import Payload

STANDARD = frozenset({"temperature", "top_p", "max_new_tokens", "seed", "n", "stop"})
"""Decoding fields of the OpenAI wire format."""

SEED_STEP = 1_000_003
"""Between the seeds of two samples of one prompt, so that they do not meet those of the next `decoding.seed`."""


class ApiModel(Model):
    """A model that answers over HTTP; every decoding field reaches the wire or is refused by name."""

    wire_format: ClassVar[WireFormat] = "openai"
    decoding_fields: ClassVar[frozenset[str]] = STANDARD
    takes_tools: ClassVar[bool] = True
    own_temperature: ClassVar[bool] = True
    key_variable: ClassVar[str | None] = None
    """Holds the key for a `base_url` that is no provider's own host; None is the wire format's."""
    sharding_modes: ClassVar[frozenset[str]] = frozenset({"none"})

    path: str
    """The API's model id."""
    base_url: str | None = Field(None, repr=False)
    reasoning_effort: str | None = None
    """How much the model thinks, as its server calls it; None sends none."""
    concurrency: int = Field(16, ge=1)
    """Most requests in flight at once."""
    timeout: float = Field(600.0, gt=0.0)
    """Seconds that one request may take."""

    @property
    def url(self) -> str:
        """The server's base URL: the given one, or the provider's own."""
        return self.base_url or OWN_HOST[self.wire_format]

    @cached_property
    def price(self) -> Price | None:
        """What the model costs; None is unknown."""
        return price_of(self.path)

    def wire(self) -> Wire:
        """Return the server."""
        return open_wire(self.wire_format, self.url, self.timeout, self.key_variable)

    def problems(self) -> Iterator[Problem]:
        """Yield a bad URL, a missing key at the provider's own host, a model that was shut down there."""
        yield from check_url("model", self.url, self.wire().default_variable)
        yield from retired("model.path", self.path, self.url)
        if self.wire_format == "anthropic":
            yield from missing("model", "a model behind Anthropic's API", "anthropic")
            if self.reasoning_effort is not None:
                remedy = "leave model.reasoning_effort=null"
                yield Problem("model.reasoning_effort", "Anthropic's wire format has no such field", remedy)

    def identity(self) -> dict[str, Any]:
        """Return the wire format and the model's id; the server's address is no part of it."""
        effort = {} if self.reasoning_effort is None else {"reasoning_effort": self.reasoning_effort}
        return {"backend": f"api:{self.wire_format}", "model": self.path, **effort}

    def parameters(self, decoding: Decoding, sample: int) -> Body:
        """Return the decoding values as the wire format calls them; each sample has a seed of its own.

        Models that fix their temperature refuse a nucleus, too: without a temperature it is sent only where it is set.
        """
        values: Body = {"max_tokens": decoding.max_new_tokens}
        if self.reasoning_effort is not None:
            values["reasoning_effort"] = self.reasoning_effort
        if decoding.temperature is not None:
            values["temperature"] = decoding.temperature
        if decoding.samples:
            values["seed"] = decoding.seed + SEED_STEP * sample
            if decoding.temperature is not None or decoding.top_p != 1.0:
                values["top_p"] = decoding.top_p
        if decoding.stop:
            values["stop"] = list(decoding.stop)
        return values

    def paid_models(self) -> list[tuple[str, str]]:
        """Return the model."""
        return [("model.path", self.path)]

    def endings(self) -> list[str]:
        """Return a warning where the model ends soon at its provider's own host."""
        return ending("model.path", self.path, self.url)

    def expected(self, request: Request, decoding: Decoding) -> Expected:
        """Return what an answer is expected to take; without a known price the dollars are unknown."""
        free = super().expected(request, decoding)
        dollars = self.price and self.price.bounds(free.prompt, free.completion)
        return Expected(self.label, free.prompt, free.completion, dollars)

    def ask(self, requests: list[Request], decoding: Decoding, sharding: Sharding) -> Iterable[Reply]:
        """Send the prompts; answers come as they arrive."""
        yield from self.ask_each([(request, decoding) for request in requests], sharding)

    def ask_each(self, requests: list[tuple[Request, Decoding]], sharding: Sharding) -> Iterable[Reply]:
        """Send the prompts, each with its own decoding values."""
        from alpacabench.endpoint.asking import Call, ask_server
        from alpacabench.endpoint.spending import Purse

        calls = [
            Call(r.key, {"model": self.path, "messages": r.chat(), **_tools(r), **self.parameters(decoding, r.sample)})
            for r, decoding in requests
        ]
        yield from ask_server(self.wire(), calls, _answer, self.concurrency, Purse(self.path), GenerationError)


class OpenAIModel(ApiModel):
    """OpenAI: what the wire format has, and no more."""


class GeminiModel(ApiModel):
    """Gemini through Google's OpenAI-compatible endpoint."""

    key_variable: ClassVar[str | None] = "GEMINI_API_KEY"
    base_url: str | None = Field("https://generativelanguage.googleapis.com/v1beta/openai", repr=False)


class MistralModel(ApiModel):
    """Mistral's own API, which calls the seed by another name."""

    key_variable: ClassVar[str | None] = "MISTRAL_API_KEY"
    base_url: str | None = Field("https://api.mistral.ai/v1", repr=False)

    def parameters(self, decoding: Decoding, sample: int) -> Body:
        """Return the decoding values as Mistral calls them."""
        values = super().parameters(decoding, sample)
        if "seed" in values:
            values["random_seed"] = values.pop("seed")
        return values


class CompatibleModel(ApiModel):
    """Any OpenAI-compatible server of one's own: vLLM, SGLang, llama.cpp, Ollama. Its extra fields are sent, too."""

    decoding_fields: ClassVar[frozenset[str]] = STANDARD | {"top_k", "repetition_penalty"}
    base_url: str = Field(..., repr=False)

    def parameters(self, decoding: Decoding, sample: int) -> Body:
        """Return the decoding values; those that OpenAI does not have only where they are set."""
        values = super().parameters(decoding, sample)
        if decoding.samples and decoding.top_k:
            values["top_k"] = decoding.top_k
        if decoding.repetition_penalty != 1.0:
            values["repetition_penalty"] = decoding.repetition_penalty
        return values


class AnthropicModel(ApiModel):
    """Claude. There is no seed on its wire: `decoding.seed` other than 0 is refused."""

    wire_format: ClassVar[WireFormat] = "anthropic"
    decoding_fields: ClassVar[frozenset[str]] = STANDARD - {"seed"} | {"top_k"}

    def parameters(self, decoding: Decoding, sample: int) -> Body:
        """Return the decoding values as Anthropic calls them; top_p only where it is set, as some models refuse it."""
        values = super().parameters(decoding, sample)
        values.pop("seed", None)
        if values.get("top_p") == 1.0:
            del values["top_p"]
        if decoding.samples and decoding.top_k:
            values["top_k"] = decoding.top_k
        return values


def _tools(request: Request) -> Body:
    """Return what offers the model its tools; it is free to call them or not."""
    tools = request.prompt.exchange.tools()
    return {"tools": list(tools), "tool_choice": "auto"} if tools else {}


def _answer(_key: str, completion: Completion) -> Payload:
    """Read an answer; a reasoning trace, named so by the server or tagged in the text, is kept apart.

    A server that does not part it sends what stands behind an opening tag of the chat template, and the closing one.
    """
    before, closed, _ = completion.text.partition(CLOSE)
    text, trace = part(completion.text, opened=bool(closed) and OPEN not in before)
    payload: Payload = {"text": text, "finish_reason": completion.finish_reason}
    payload |= {"tool_calls": [call._asdict() for call in completion.calls]} if completion.calls else {}
    reasoning = completion.reasoning or trace
    return payload | ({"reasoning": reasoning} if reasoning else {})
