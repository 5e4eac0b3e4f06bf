"""What models cost and which are gone: the dated files in conf/prices. An unknown price is None, never 0.

A file in `./conf/prices` of the working directory adds prices of one's own; where it names the same model, it wins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, Field

from alpacabench.core.conf import conf, own_conf
from alpacabench.core.errors import DataError, Problem
from alpacabench.core.hosts import provider_of

FOLDER = "prices"

NOTICE = timedelta(days=60)
"""How long before its end a model is warned of."""


class Price(NamedTuple):
    """US dollars per million tokens."""

    input: float
    cached: float
    output: float
    batch: float
    """What the Batch API charges, as a share of the direct price."""

    def cost(self, prompt: float, completion: float, cached: float = 0, batch: bool = False) -> float:
        """Return the dollars for a number of tokens; `cached` of the prompt tokens are billed as cached."""
        full = (prompt - cached) * self.input + cached * self.cached + completion * self.output
        return full / 1e6 * (self.batch if batch else 1.0)

    def bounds(
        self, prompt: tuple[float, float], completion: tuple[float, float], batch: bool = False
    ) -> tuple[float, float]:
        """Return the least and the most dollars that a request can cost, by the least and the most of its tokens."""
        return self.cost(prompt[0], completion[0], batch=batch), self.cost(prompt[1], completion[1], batch=batch)


class _Dollars(BaseModel):
    """What a model costs, in US dollars per million tokens."""

    input: float = Field(ge=0)
    cached: float | None = Field(None, ge=0)
    output: float = Field(ge=0)


class _Retired(BaseModel):
    """Since when a model is gone, and what its provider names instead."""

    since: date
    instead: str


Entry = TypeVar("Entry", _Dollars, _Retired)


class _Prices(BaseModel):
    """One file of prices."""

    hosts: list[str] = []
    batch: float = Field(1.0, ge=0)
    models: dict[str, _Dollars] = {}
    retired: dict[str, _Retired] = {}


def _files() -> list[_Prices]:
    return [file for folder in (own_conf(), conf()) if folder for file in _read(folder / FOLDER)]


@cache
def _read(folder: Path) -> list[_Prices]:
    return [_checked(path) for path in sorted(folder.glob("*.yaml"))]


def _checked(path: Path) -> _Prices:
    import yaml

    try:
        return _Prices.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, yaml.YAMLError) as error:
        remedy = "write it as alpacabench's own are written: models: {NAME: {input: 0.40, output: 1.60}}, in dollars"
        raise DataError(f"{path}: no file of prices: {error}\n    {remedy}") from error


def _newest(table: Mapping[str, Entry], model: str) -> Entry | None:
    """Return the entry of the longest name that the model's name starts with, on a word boundary (dated snapshots)."""
    bare = model.rpartition("/")[2]
    names = [n for n in table if bare == n or (bare.startswith(f"{n}-") and bare[len(n) + 1 :][:4].isdigit())]
    return table[max(names, key=len)] if names else None


def price_of(model: str) -> Price | None:
    """Return the price of a model by its API name, a dated snapshot like the model it belongs to; None is unknown."""
    for file in _files():
        entry = _newest(file.models, model)
        if entry is not None:
            cached = entry.input if entry.cached is None else entry.cached
            return Price(entry.input, cached, entry.output, file.batch)
    return None


def retired(where: str, model: str, url: str) -> Iterator[Problem]:
    """Yield a problem where the URL is the own host of the provider that has shut the model down."""
    for host, entry in _ends(model, url):
        if entry.since <= date.today():
            server = where.rpartition(".")[0] + ".base_url"
            yield Problem(
                where,
                f"{host} shut '{model}' down on {entry.since}",
                f"substitutes: {entry.instead}; or name a server that still has it with {server}=URL",
            )


def ending(where: str, model: str, url: str) -> list[str]:
    """Return a warning where the URL is the own host of the provider that will soon shut the model down."""
    return [
        f"{where}: {host} shuts '{model}' down on {entry.since}, in {(entry.since - date.today()).days} days; "
        f"substitutes: {entry.instead}"
        for host, entry in _ends(model, url)
        if date.today() < entry.since <= date.today() + NOTICE
    ]


def _ends(model: str, url: str) -> Iterator[tuple[str, _Retired]]:
    """Yield the host of the URL and the end of the model there, where it is a provider's own and the end is known."""
    provider = provider_of(url)
    for file in _files():
        entry = _newest(file.retired, model)
        if entry and provider and provider.host in file.hosts:
            yield provider.host, entry
            return
