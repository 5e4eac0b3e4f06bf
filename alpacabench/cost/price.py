"""What models cost and which are gone: the dated files in conf/prices. An unknown price is None, never 0."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from alpacabench.core.errors import Problem
from alpacabench.core.hosts import provider_of

PRICES = Path(__file__).resolve().parents[2] / "conf" / "prices"


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


@cache
def _files() -> list[dict[str, Any]]:
    import yaml

    return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(PRICES.glob("*.yaml"))]


def _newest(table: dict[str, Any], model: str) -> Any:
    """Return the entry of the longest name that the model's name starts with, on a word boundary (dated snapshots)."""
    bare = model.rpartition("/")[2]
    names = [n for n in table if bare == n or (bare.startswith(f"{n}-") and bare[len(n) + 1 :][:4].isdigit())]
    return table[max(names, key=len)] if names else None


def price_of(model: str) -> Price | None:
    """Return the price of a model by its API name, a dated snapshot like the model it belongs to; None is unknown."""
    for file in _files():
        entry = _newest(file.get("models") or {}, model)
        if entry is not None:
            return Price(entry["input"], entry.get("cached", entry["input"]), entry["output"], file.get("batch", 1.0))
    return None


def retired(where: str, model: str, url: str) -> Iterator[Problem]:
    """Yield a problem where the URL is the own host of the provider that has shut the model down."""
    provider = provider_of(url)
    for file in _files():
        entry = (file.get("retired") or {}).get(model)
        if entry and provider and provider.host in file["hosts"] and entry["since"] <= date.today():
            server = where.rpartition(".")[0] + ".base_url"
            yield Problem(
                where,
                f"{provider.host} shut '{model}' down on {entry['since']}",
                f"substitutes: {entry['instead']}; or name a server that still has it with {server}=URL",
            )


def expected_dollars(
    model: str, prompt: tuple[float, float], completion: tuple[float, float], batch: bool = False
) -> tuple[float, float] | None:
    """Return the least and the most that a request can cost; None where the price is unknown."""
    price = price_of(model)
    if price is None:
        return None
    return price.cost(prompt[0], completion[0], batch=batch), price.cost(prompt[1], completion[1], batch=batch)
