"""The keys that stand outside the groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from alpacabench.core.component import Component
from alpacabench.core.errors import Problem
from alpacabench.tools.failures import ToolFailures


class ReportSettings(Component):
    """`report.*`."""

    base: str | int | None = None


class StoreSettings(Component):
    """`store.*`."""

    url: str = Field(repr=False)


class BudgetSettings(Component):
    """`budget.*`."""

    usd: float | None = Field(None, ge=0.0)
    account: str | None = Field(None, max_length=128)
    """Who pays: all runs and sweeps that name one account share its cap. Null: each has its own."""


class EarlyStoppingSettings(Component):
    """`early_stopping.*`."""

    alpha: float | None = Field(None, gt=0.0, lt=1.0)
    margin: float = Field(0.0, ge=0.0, lt=100.0)
    every: int = Field(50, ge=1)


class Settings(Component):
    """The keys that stand outside the groups."""

    name: str | None = None
    seed: int = 0
    objective: str = "win_rate"
    variant: str | None = None
    plan: bool = False
    fail_fast: bool = False
    schedule: Literal["together", "one_by_one"] = "together"
    max_failures: float = Field(0.02, ge=0.0, le=1.0)
    report: ReportSettings
    store: StoreSettings
    budget: BudgetSettings
    early_stopping: EarlyStoppingSettings
    max_steps: int = Field(10, ge=1, le=1000)
    """Most answers of a model with tools in each of the user's turns."""
    tool_failures: ToolFailures = Field(default_factory=ToolFailures)

    def problems(self) -> Iterator[Problem]:
        """Yield a store URL that names no database."""
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            make_url(self.store.url)
        except ArgumentError:
            remedy = "give sqlite:///outputs/store.db, or postgresql+psycopg://HOST/NAME"
            yield Problem("store.url", "is no database URL", remedy)
        yield from self.tool_failures.problems()
