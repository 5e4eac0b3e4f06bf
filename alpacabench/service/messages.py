"""What clients send and get, as /openapi.json describes it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_OVERRIDES = 200
REFUSED = {
    400: "the body cannot be read", 401: "no token, or a wrong one", 404: "no such run or file of this client",
    408: "the request did not come in time", 413: "the request is too large",
    422: "refused as the command line would, or of another shape", 429: "too many runs wait",
    503: "the store does not answer, or too many are connected", 504: "the plan took too long",
}  # fmt: skip
"""What a status of the interface means."""
Override = Annotated[str, Field(min_length=1, max_length=10_000)]


class Asked(BaseModel):
    """What a client asks for: the overrides of `alpacabench run`, with multirun those of `alpacabench run -m`."""

    model_config = ConfigDict(extra="forbid")
    overrides: list[Override] = Field(default=[], max_length=MOST_OVERRIDES, examples=[["model=echo", "judge=longest"]])
    multirun: bool = False


class Queued(BaseModel):
    """A job that was queued."""

    id: str


class State(BaseModel):
    """How a job stands; times are seconds since the epoch."""

    id: str
    status: Literal["queued", "running", "finished", "failed", "cancelled"]
    overrides: list[str]
    multirun: bool
    created: float
    started: float | None
    ended: float | None
    exit_code: int | None
    error: str | None = Field(description="what the command said, where it failed")
    metrics: dict[str, float] = Field(description="of the run, or of the sweep as a whole, once it has ended")
    files: list[str] = Field(description="what GET /runs/{id}/files/NAME gives")


class Plan(BaseModel):
    """What would be asked and what it would cost, as `plan=true` prints it."""

    plan: str


class Refusal(BaseModel):
    """Why a request was refused."""

    detail: str


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what /openapi.json says of these statuses."""
    return {status: {"model": Refusal, "description": REFUSED[status]} for status in statuses}


def written(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """Return what /openapi.json says of an answer that is no JSON."""
    return {200: {"content": {kind: {} for kind in kinds}}}
