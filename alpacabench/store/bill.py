"""Dollars of one request: what it can cost, and what it did cost."""

from __future__ import annotations

from typing import NamedTuple


class Bound(NamedTuple):
    """Dollars that a request can cost by its length."""

    prompt: float
    """Of its prompt alone."""
    total: float


class Bill(NamedTuple):
    """Dollars that a request did cost."""

    prompt: float
    """Of its prompt alone."""
    total: float
