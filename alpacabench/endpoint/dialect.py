"""What a server's models take: learned from its refusals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from alpacabench.endpoint.wire import Body, RefusedError

ASKED = ("logprobs", "reasoning_effort")
"""Fields of a request that not every server takes: that they were answered is kept."""
_NOT_TAKEN = re.compile(
    r"support|deprecated|unknown|unrecogni[sz]ed|unexpected|removed|renamed|no longer|instead|extra (?:inputs|fields)"
    r"|not (?:be )?(?:allowed|permitted|available|accepted|recogni[sz]ed|applicable|used|set|sent|specified|a valid)"
    r"|unavailable|(?:cannot|can't|must not) be|(?:invalid|no such|disallowed) (?:parameter|argument|field|property)"
)
"""How servers say that a model does not take a field at all; other refusals are of its value."""
_FIXED = re.compile(r"default|may only|only (?:be )?1\b|must (?:be|equal) 1(?:\.0)?\b(?!\.\d)|fixed")
"""And that its temperature is fixed."""
_LOGPROBS = re.compile(r"log[ _-]?prob")
_THINKS = re.compile(r"reason|thinking|effort")


_NO_SYSTEM = re.compile(
    r"system (?:role|messages?|prompts?|instructions?) (?:is |are )?not (?:supported|enabled|allowed)"
    r"|(?:developer|system) instructions? (?:is|are) not enabled|(?:does not|doesn't) support (?:the )?system"
    r"|roles must alternate|unexpected role ['\"]?system|unsupported role:? ['\"]?system"
)
"""How servers say that a model's chat template knows no system message: Gemma's and Mistral's first templates, Google's
API for Gemma, llama.cpp, TGI."""


LIMITS = ("max_tokens", "max_completion_tokens")
"""How servers call the limit of an answer: most, and OpenAI's newer models."""


class Dialect:
    """How request bodies are changed for this server."""

    def __init__(self, known: Mapping[str, Any] | None = None) -> None:
        """Begin with what an earlier session has learned of the model at its server, where one has."""
        self._limit = LIMITS[1] if known and known.get("limit") == LIMITS[1] else LIMITS[0]
        self._system = not known or known.get("system") is not False
        self._seen = {name: known[name] for name in ASKED if known and name in known}
        self._kept = dict(known or {})
        self._tried = 0

    def answered(self, body: Body) -> dict[str, Any] | None:
        """Note that a request was answered; return what is now known, None where it was known before."""
        self._seen |= {name: body[name] for name in ASKED if name in body}
        takes = {"limit": self._limit, "system": self._system, **self._seen}
        if takes == self._kept:
            return None
        self._kept = takes
        return takes

    def apply(self, body: Body) -> Body:
        """Return the body as this server takes it."""
        applied = {self._limit if name == LIMITS[0] else name: value for name, value in body.items()}
        return applied if self._system or "messages" not in applied else _without_system(applied)

    def learn(self, error: RefusedError) -> bool:
        """Learn from a refusal; return whether there was something to learn."""
        if error.status not in (400, 422, 500):
            return False
        text = error.message.lower()
        if self._system and _NO_SYSTEM.search(text):
            self._system = False
            return True
        named = re.search(r"max[ _-]?tokens", text)
        unsupported = "max_completion_tokens" in text or bool(named and _NOT_TAKEN.search(text))
        # What an earlier session learned may have changed since: then the old name is tried once more.
        if error.status == 500 or self._tried or not unsupported:
            return False
        self._tried, self._limit = 1, LIMITS[self._limit == LIMITS[0]]
        return True

    def remedy(self, error: RefusedError) -> str:
        """Return what to do about a refusal of a field that every request has; empty where it names none."""
        text = error.message.lower()
        if _LOGPROBS.search(text) and _THINKS.search(text):
            return "this model gives log probabilities only without reasoning: set judge.reasoning_effort=none"
        if "effort" in text or ("reasoning" in text and _NOT_TAKEN.search(text)):
            return (
                "this server takes no such effort: set judge.reasoning_effort (a model's: model.reasoning_effort) to "
                "null, or to one that it names"
            )
        if _LOGPROBS.search(text):
            return (
                "this model gives no log probabilities: choose a judge that reads a written verdict, "
                "for example judge=gpt_4_1_cot judge.model_name=..., or another model"
            )
        if "temperature" in text and (_NOT_TAKEN.search(text) or _FIXED.search(text)):
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
