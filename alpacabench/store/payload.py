"""What is stored for each kind of question: typed, checked before it is written and when it is read, versioned.

A store made before there were versions has none in its payloads: that is version 1, whose fields are the same.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from numbers import Real
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from alpacabench.core.errors import StoreError
from alpacabench.core.exchange import FinishReason

Kind = Literal["generation", "verdict", "check"]
Payload = dict[str, Any]

VERSION = 2
VERSION_KEY = "schema"


def is_preference(value: Any) -> bool:
    """Return whether a value is a finite number from 1 to 2."""
    return isinstance(value, Real) and not isinstance(value, bool) and 1.0 <= float(value) <= 2.0


def _number(value: Any) -> Any:
    # Numbers of numpy and others are numbers; texts, truths and nothing are not.
    return float(value) if isinstance(value, Real) and not isinstance(value, bool | int) else value


def _preference(value: Any) -> float:
    if not is_preference(value):
        raise ValueError("a finite number from 1 to 2 is needed")
    return float(value)


Amount = Annotated[float, BeforeValidator(_number), Field(ge=0.0, allow_inf_nan=False)]
Score = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]


class _Payload(BaseModel):
    """What every answer has; further fields (`layout`) are kept as they are."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    prompt_tokens: Count = 0
    completion_tokens: Count = 0
    seconds: Amount = 0.0
    cost_usd: Amount | None = 0.0
    """None where the price is unknown."""


class ToolCallPayload(BaseModel):
    """One call of a tool, as the model wrote it."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    name: str
    arguments: str
    id: str = ""


class GenerationPayload(_Payload):
    """An answer of a model."""

    text: str
    finish_reason: FinishReason = "stop"
    reasoning: str | None = None
    tool_calls: list[ToolCallPayload] = []


class VerdictPayload(_Payload):
    """A verdict of a judge."""

    preference: Annotated[float, BeforeValidator(_preference)]
    """In [1, 2] for the model, whatever the slot."""
    raw: Any = None
    criteria: dict[str, Score] = {}


class FindingPayload(BaseModel):
    """One place where an answer breaks a rule."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    rule: str
    message: str
    start: int | None = None
    end: int | None = None


class CheckPayload(_Payload):
    """What a check found in an answer."""

    findings: list[FindingPayload]


TYPES: Mapping[Kind, type[_Payload]] = {
    "generation": GenerationPayload, "verdict": VerdictPayload, "check": CheckPayload
}  # fmt: skip


def payload_problem(kind: Kind, payload: Any) -> str | None:
    """Return why a payload is no answer of its kind; None where it is one."""
    try:
        TYPES[kind].model_validate(payload)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        if first["type"] == "missing":
            return f"no {where}"
        message = first["msg"].removeprefix("Value error, ")
        return f"{where or kind}: given {first['input']!r:.100}: {message[0].lower()}{message[1:]}"
    return None


def written(payload: Payload) -> Payload:
    """Return a payload as it is stored: with the version, and every number a plain one."""
    plain = {key: _number(value) for key, value in payload.items()}
    return plain | {VERSION_KEY: VERSION}


def read(kind: Kind, stored: Any) -> Payload | None:
    """Return a stored payload without its version; None where it cannot be used, so that it is asked again.

    Raises:
        StoreError: a newer version of alpacabench wrote it.

    """
    if not isinstance(stored, dict):
        return None
    version = stored.get(VERSION_KEY, 1)
    if isinstance(version, int) and version > VERSION:
        raise StoreError(
            f"store.url: it holds answers of a newer alpacabench (schema {version}; this one reads up to {VERSION})\n"
            "    upgrade alpacabench, or name another store"
        )
    payload = {key: value for key, value in stored.items() if key != VERSION_KEY}
    return None if payload_problem(kind, payload) else payload


_ENCODER = json.JSONEncoder(default=str, allow_nan=False)


def to_json(value: Any) -> str:
    """Return JSON that every database takes, whatever a server or a judge of one's own has sent.

    What JSON has no form for stands as text: NaN, the infinities, and objects.
    """
    return _ENCODER.encode(_finite(value))


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value
