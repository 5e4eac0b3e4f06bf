"""Judges that reason in writing and end with a verdict."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

from pydantic import Field

from alpacabench.endpoint.wire import Completion
from alpacabench.judge.api import ApiJudge
from alpacabench.judge.base import UnparsableVerdictError
from alpacabench.judge.question import Question
from alpacabench.judge.said import said
from alpacabench.store.payload import Payload

_EDGE = r"[^\w\"'“”‘’«»>?¬≠]"
"""What may stand around a verdict; not quotation marks and `>`, behind which stands what an answer says."""
_GIVEN = rf"(?:{_EDGE}|[\"'“”‘’«»<>])*(?:model\b{_EDGE}*)?"
"""What may stand between the word and the verdict: there a quotation mark quotes nobody."""
_VERDICT = re.compile(
    rf"{_EDGE}*(?:(?:my|the) +)?(?:(?:final|overall) +)?verdict\b(?: +is\b)?{_GIVEN}"
    rf"(?:\b(m|tie)\b(?:{_EDGE}|[\"'”’»>])*)?",
    re.IGNORECASE,
)
_NAME = re.compile(rf"{_EDGE}*(?:model\b{_EDGE}*)?\b(m|tie)\b{_EDGE}*", re.IGNORECASE)
_LATEX = re.compile(r"\\(?:boxed|text(?:bf)?|math(?:bf|rm))\b")
_PREFERENCES = {"m": 1.0, "M": 2.0}


class WrittenJudge(ApiJudge):
    """The preference is the line `Verdict: m`, `Verdict: M` or `Verdict: tie` with which the completion ends."""

    temperature: float | None = Field(0.0, ge=0.0)
    max_tokens: int = Field(4096, ge=1)

    def read(self, completion: Completion, question: Question) -> Payload:
        """Read the verdict after the reasoning trace."""
        found = list(_verdicts(said(completion)))
        if not found:
            raise UnparsableVerdictError("no line 'Verdict: m', 'Verdict: M' or 'Verdict: tie'")
        last = found[-1]
        if len({verdict.preference for verdict in found}) > 1 and not last.ends:
            raise UnparsableVerdictError(
                "several lines 'Verdict: ...' that contradict each other, and none is the last"
            )
        return {"preference": last.preference}


class GeminiJudge(WrittenJudge):
    """A written judge whose key is Google's, whatever gateway it is behind."""

    key_variable: ClassVar[str | None] = "GEMINI_API_KEY"

    def identity(self) -> dict[str, Any]:
        """Return the identity of a written judge: the key is no part of it."""
        return super().identity() | {"reader": WrittenJudge.__name__}


class _Found(NamedTuple):
    preference: float
    ends: bool
    """Whether nothing is written after it."""


def _verdicts(text: str) -> Iterator[_Found]:
    """Yield the lines of nothing but a verdict; those in code fences only where there is no other."""
    lines = ["```" if line.lstrip().startswith("```") else _plain(line) for line in text.splitlines()]
    outside: list[_Found] = []
    inside: list[_Found] = []
    fenced = headed = False
    end = max((number for number, line in enumerate(lines) if line not in ("", "```")), default=-1)
    for number, line in enumerate(lines):
        fenced ^= line == "```"
        match = _VERDICT.fullmatch(line) or (_NAME.fullmatch(line) if headed else None)
        if match and match[1]:
            preference = _PREFERENCES.get(match[1], 1.5)
            (inside if fenced else outside).append(_Found(preference, number == end))
        # `## Verdict`, and below it the name alone.
        headed = bool(match and not match[1]) or (headed and line in ("", "```"))
    yield from outside or inside


def _plain(line: str) -> str:
    """Return a line without LaTeX, in the plain forms of its letters, without characters that cannot be seen."""
    plain = unicodedata.normalize("NFKC", _LATEX.sub("", line)).replace("_", " ")
    return "".join(c for c in plain if unicodedata.category(c) != "Cf").strip()
