"""Well-formed JSON with anything in some of its places: ten thousand of them in seconds."""

from __future__ import annotations

from random import Random
from typing import Any

ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 1.5, -0.5, 0.25, 1e308, float("nan"), float("inf"), -float("inf"), 10**400, -9999.0,
    "", " ", "m", "M", " m", "x", "7", "-Infinity", "stop", "length", "content_filter", "<think>", "</think>",
    "Verdict: M",
    "a\x00b",    "\u2028", "{", [], {}, [None], ["m"], {"a": 1}, {"m": -0.1, "M": -2.0}, [[]], "\ud800",
)  # fmt: skip


def mutated(value: Any, random: Random, share: float = 0.12) -> Any:
    """Return a value of which some nodes are replaced, left out, doubled or put in another order."""
    if random.random() < share:
        return random.choice(ODD)
    if isinstance(value, dict):
        items = [(name, mutated(item, random, share)) for name, item in value.items() if random.random() > share / 3]
        return dict(random.sample(items, len(items)))
    if isinstance(value, list):
        found = [mutated(item, random, share) for item in value if random.random() > share / 3]
        return found + found[:1] if random.random() < share else random.sample(found, len(found))
    return value


def encoded_somehow(text: str, random: Random) -> bytes:
    """Return a text as bytes: most often in UTF-8, else in another encoding, cut, with one byte changed, or noise."""
    data = text.encode("utf-8", "surrogatepass")
    place = random.randrange(len(data) + 1)
    odd = (
        lambda: text.encode("utf-8-sig", "surrogatepass"), lambda: text.encode("utf-16", "surrogatepass"),
        lambda: text.encode("latin-1", "replace"), lambda: data[:place],
        lambda: data[:place] + random.randbytes(1) + data[place + 1 :], lambda: random.randbytes(40),
    )  # fmt: skip
    return data if random.random() < 0.7 else random.choice(odd)()
