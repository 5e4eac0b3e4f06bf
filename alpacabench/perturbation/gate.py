"""The validity gate: whether a variant still asks for the same task."""

from __future__ import annotations

from typing import NamedTuple


class GateResult(NamedTuple):
    """The gate's verdict on one variant."""

    same_task: bool
    reasons: tuple[str, ...]


def check(original: str, variant: str) -> GateResult:
    """Return whether the variant asks for the same task, with a reason for every difference that counts."""
    return GateResult(True, ())
