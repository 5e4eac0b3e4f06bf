"""Judges that answer with one token, weighted by its log probability."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from alpacabench.endpoint.wire import Body, Completion
from alpacabench.judge.api import ApiJudge
from alpacabench.judge.base import UnparsableVerdictError
from alpacabench.judge.logprob import preference_from_logprobs
from alpacabench.judge.question import Question
from alpacabench.store.payload import Payload

LEAST = 1e-4
"""A judge whose two tokens have a smaller probability together has answered with something else."""


class TokenJudge(ApiJudge):
    """The preference is the probability of the token that names the second answer."""

    tokens: tuple[str, str] = ("m", "M")
    """What the judge answers where the first, and where the second answer shown is better."""
    top_logprobs: int = Field(5, ge=1, le=20)
    max_tokens: int = Field(1, ge=1)
    temperature: float | None = Field(1.0, ge=0.0)

    def identity(self) -> dict[str, Any]:
        """Return the request and the tokens that are weighed."""
        return super().identity() | {"tokens": list(self.tokens)}

    def parameters(self) -> Body:
        """Return the decoding values that are sent."""
        return super().parameters() | {"logprobs": True, "top_logprobs": self.top_logprobs}

    def read(self, completion: Completion, question: Question) -> Payload:
        """Weigh the two tokens where the answer begins."""
        if completion.reasoning and not completion.text:
            raise UnparsableVerdictError("the answer was cut in its reasoning trace: raise judge.max_tokens")
        return {"preference": preference_from_logprobs(completion.raw, *self.tokens, completion.text, LEAST)}
