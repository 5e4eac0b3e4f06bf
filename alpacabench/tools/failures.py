"""A seeded script of failures: which calls of a tool fail, and how. The same seed fails the same calls, always."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

from pydantic import Field

from alpacabench.core.component import Component
from alpacabench.core.errors import Problem, allowed

Kind = Literal["error", "timeout", "partial", "malformed"]
KINDS: tuple[Kind, ...] = get_args(Kind)

ERROR = '{"error": "the service answered with an internal error (500)"}'
TIMEOUT = '{"error": "no answer within 30 s"}'


class At(NamedTuple):
    """Where a call stands."""

    instruction: str
    item_id: int
    """Row number in the data set, from 0, as `item_id` in generations.jsonl."""
    sample: int
    step: int
    """Of the model's answers in the conversation, from 1."""
    call: int
    """Of the answer's calls, from 1."""
    tool: str


class Place(Component):
    """One place of the script; what is null holds everywhere."""

    kind: Kind
    item_id: int | None = Field(None, ge=0)
    sample: int | None = Field(None, ge=0)
    step: int | None = Field(None, ge=1)
    call: int | None = Field(None, ge=1)
    tool: str | None = None

    def covers(self, at: At) -> bool:
        """Return whether a call stands at this place."""
        given = self.model_dump(exclude={"kind"}, exclude_none=True)
        return all(getattr(at, name) == value for name, value in given.items())


class ToolFailures(Component):
    """`tool_failures.*`: by chance, or at places."""

    rate: float = Field(0.0, ge=0.0, le=1.0)
    """Probability that a call fails."""
    kinds: list[Kind] = Field(default_factory=lambda: list(KINDS))
    """Of the failures by chance, each as likely as another."""
    places: list[Place] = Field(default_factory=list)
    seed: int = 0

    @property
    def any(self) -> bool:
        """Whether a call can fail."""
        return self.rate > 0 or bool(self.places)

    def problems(self) -> Iterator[Problem]:
        """Yield a script that says two things, or nothing."""
        if self.rate > 0 and self.places:
            what = f"given a rate of {self.rate:g} and {len(self.places)} places"
            yield Problem("tool_failures", what, "failures come by chance (rate) or at places, not both")
        if self.rate > 0 and not self.kinds:
            yield Problem("tool_failures.kinds", "given no kind", allowed("", KINDS))

    def unknown(self, tools: Sequence[str], max_steps: int) -> Iterator[Problem]:
        """Yield places that no call can have, given the functions that are offered."""
        for number, place in enumerate(self.places):
            if place.tool is not None and tools and place.tool not in tools:
                where, what = f"tool_failures.places[{number}].tool", f"given '{place.tool}', which is not offered"
                yield Problem(where, what, allowed(place.tool, tools))
            if place.step is not None and place.step > max_steps:
                what = f"given {place.step}, but a conversation has at most max_steps={max_steps} answers a turn"
                yield Problem(f"tool_failures.places[{number}].step", what, "give a lower step, or a higher max_steps")

    def kind(self, at: At) -> Kind | None:
        """Return how a call fails; None where it does not.

        By chance: SHA-256 of seed, instruction, sample, step and call gives two numbers in [0, 1); the call fails where
        the first is below the rate, and the second chooses the kind.
        """
        if self.places:
            return next((place.kind for place in self.places if place.covers(at)), None)
        if self.rate <= 0:
            return None
        text = "\x1f".join([str(self.seed), at.instruction, str(at.sample), str(at.step), str(at.call)])
        drawn = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        first, second = (int.from_bytes(drawn[start : start + 8], "big") / 2**64 for start in (0, 8))
        return self.kinds[int(second * len(self.kinds))] if first < self.rate else None

    @property
    def words(self) -> str:
        """The script as people read it; empty where nothing fails."""
        if self.places:
            given = ((place.kind, place.model_dump(exclude={"kind"}, exclude_none=True)) for place in self.places)
            return "; ".join(" ".join([kind, *(f"{name} {value}" for name, value in at.items())]) for kind, at in given)
        return f"{self.rate:.4g} of calls ({', '.join(self.kinds)}), seed {self.seed}" if self.any else ""

    def key(self) -> Mapping[str, Any] | None:
        """Return the script as a part of the store's key; None where nothing fails."""
        return self.model_dump(mode="json") if self.any else None


def damaged(kind: Kind, result: str) -> str:
    """Return what the model is told in place of a result: its first half, or a proxy's page of HTML around it."""
    if kind == "partial":
        return result[: len(result) // 2]
    return f"<html><body><h1>502 Bad Gateway</h1><pre>{result[: len(result) // 4]}"
