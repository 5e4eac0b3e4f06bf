"""Judges that reason in writing and end with a verdict."""

from __future__ import annotations

import re

from pydantic import Field

from alpacabench.endpoint.wire import Completion
from alpacabench.judge.api import ApiJudge
from alpacabench.judge.base import Question, UnparsableVerdictError
from alpacabench.store.ask_once import Payload

_VERDICT = re.compile(r"verdict\W*(?:model\s+)?\b(m|M|tie)\b", re.IGNORECASE)


class WrittenJudge(ApiJudge):
    """The preference is the last line `Verdict: m`, `Verdict: M` or `Verdict: tie` of the completion."""

    temperature: float | None = Field(0.0, ge=0.0)
    max_tokens: int = Field(4096, ge=1)

    def read(self, completion: Completion, question: Question) -> Payload:
        """Find the last verdict."""
        found = [match.group(1) for match in _VERDICT.finditer(completion.text)]
        if not found:
            cut = " (cut at max_tokens)" if completion.finish_reason in ("length", "max_tokens") else ""
            raise UnparsableVerdictError(f"no line 'Verdict: m', 'Verdict: M' or 'Verdict: tie'{cut}")
        return {"preference": {"m": 1.0, "M": 2.0}.get(found[-1], 1.5)}
