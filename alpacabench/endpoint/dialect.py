"""What a server's models take: learned from its first refusal, before the batch."""

from __future__ import annotations

from alpacabench.endpoint.wire import Body, RefusedError

FIXED = ("support", "deprecated", "default", "may only", "not allowed", "not permitted")
"""What servers say of a temperature that a model does not take at all; other refusals are of the value."""


class Dialect:
    """How request bodies are changed for this server."""

    def __init__(self) -> None:
        self._renamed: dict[str, str] = {}

    def apply(self, body: Body) -> Body:
        """Return the body as this server takes it."""
        return {self._renamed.get(name, name): value for name, value in body.items()}

    def learn(self, error: RefusedError) -> bool:
        """Learn from a refusal; return whether the request is worth sending again."""
        text = error.message.lower()
        unsupported = "max_completion_tokens" in text or ("max_tokens" in text and "support" in text)
        if error.status not in (400, 422) or self._renamed or not unsupported:
            return False
        self._renamed["max_tokens"] = "max_completion_tokens"
        return True

    def remedy(self, error: RefusedError) -> str:
        """Return what to do about a refusal that cannot be helped by changing the request."""
        text = error.message.lower()
        if "logprobs" in text:
            return (
                "this model gives no log probabilities: choose a judge that reads a written verdict, "
                "for example judge=gpt_4_1_cot judge.model_name=..., or another model"
            )
        if "temperature" in text and any(word in text for word in FIXED):
            return (
                "this model fixes its temperature: set decoding.temperature=null (a judge's: judge.temperature=null), "
                "so that none is sent; a perturbation.checker is always asked at 0, and judge=alpaca_eval at what its "
                "config says: those need another model"
            )
        return "nothing was judged or written with it; change what the server names and run again"
