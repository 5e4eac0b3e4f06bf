"""What a server's models take: learned from its refusals."""

from __future__ import annotations

import re

from alpacabench.endpoint.wire import Body, RefusedError

FIXED = ("support", "deprecated", "default", "may only", "not allowed", "not permitted")
"""What servers say of a temperature that a model does not take at all; other refusals are of the value."""


_NO_SYSTEM = re.compile(
    r"system (?:role|messages?|prompts?|instructions?) (?:is |are )?not (?:supported|enabled|allowed)"
    r"|(?:developer|system) instructions? (?:is|are) not enabled|(?:does not|doesn't) support (?:the )?system"
    r"|roles must alternate|unexpected role ['\"]?system|unsupported role:? ['\"]?system"
)
"""How servers say that a model's chat template knows no system message: Gemma's and Mistral's first templates, Google's
API for Gemma, llama.cpp, TGI."""


class Dialect:
    """How request bodies are changed for this server."""

    def __init__(self) -> None:
        self._renamed: dict[str, str] = {}
        self._system = True

    def apply(self, body: Body) -> Body:
        """Return the body as this server takes it."""
        applied = {self._renamed.get(name, name): value for name, value in body.items()}
        return applied if self._system or "messages" not in applied else _without_system(applied)

    def learn(self, error: RefusedError) -> bool:
        """Learn from a refusal; return whether there was something to learn."""
        if error.status not in (400, 422, 500):
            return False
        text = error.message.lower()
        if self._system and _NO_SYSTEM.search(text):
            self._system = False
            return True
        unsupported = "max_completion_tokens" in text or ("max_tokens" in text and "support" in text)
        if error.status == 500 or self._renamed or not unsupported:
            return False
        self._renamed["max_tokens"] = "max_completion_tokens"
        return True

    def remedy(self, error: RefusedError) -> str:
        """Return what to do about a refusal of a field that every request has; empty where it names none."""
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
        return ""


def _without_system(body: Body) -> Body:
    """Return a body whose system texts stand in front of the first other message."""
    system = [m["content"] for m in body["messages"] if m["role"] == "system"]
    others = [m for m in body["messages"] if m["role"] != "system"] or [{"role": "user", "content": ""}]
    if not system:
        return body
    first = others[0] | {"content": "\n\n".join(filter(None, [*system, others[0]["content"]]))}
    return body | {"messages": [first, *others[1:]]}
