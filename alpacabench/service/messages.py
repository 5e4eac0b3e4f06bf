"""What clients send and get, as /openapi.json describes it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_OVERRIDES = 200
Override = Annotated[str, Field(min_length=1, max_length=10_000)]


class Asked(BaseModel):
    """What a client asks for: the overrides of `alpacabench run`, with multirun those of `alpacabench run -m`."""

    model_config = ConfigDict(extra="forbid")
    overrides: list[Override] = Field(default=[], max_length=MOST_OVERRIDES, examples=[["model=echo", "subset.n=8"]])
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
