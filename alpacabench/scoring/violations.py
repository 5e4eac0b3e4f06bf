"""Violation rates: what the checks on answers found, as figures beside the win rate and never a part of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from alpacabench.core.records import Checked, Outcome
from alpacabench.scoring.win_rate import wilson_interval


def violation_units(checks: Sequence[str]) -> dict[str, str]:
    """Return the names of the figures of each check, with their units."""
    units: dict[str, str] = {}
    for name in checks:
        units |= {f"violation_rate/{name}": "%", f"n_checked/{name}": "prompts"}
        units |= {f"violation_rate_ci_low/{name}": "%", f"violation_rate_ci_high/{name}": "%"}
    return units


def violations(outcomes: Sequence[Outcome], checks: Sequence[str]) -> dict[str, float]:
    """Return each check's violation rate in per cent of the prompts to which it applies, with a 95% interval.

    A prompt with several samples counts with the share of its samples that violate. A prompt that no sample could be
    checked of is in neither figure.
    """
    figures: dict[str, float] = {}
    for name in checks:
        shares = np.array([float(share) for o in outcomes if (share := violating_share(o.checked, name)) is not None])
        figures[f"n_checked/{name}"] = len(shares)
        if len(shares):
            low, high = wilson_interval(shares)
            figures[f"violation_rate/{name}"] = float(shares.mean() * 100)
            figures[f"violation_rate_ci_low/{name}"], figures[f"violation_rate_ci_high/{name}"] = low * 100, high * 100
    return figures


def violating_share(checked: Sequence[Checked], name: str) -> float | None:
    """Return the share of a prompt's samples that violate; None where the check was made on none."""
    made = [bool(one.findings) for one in checked if one.check == name and one.failure is None]
    return sum(made) / len(made) if made else None


def failures(outcomes: Sequence[Outcome]) -> Mapping[str, str]:
    """Return, by check, how many answers could not be checked and the first cause."""
    found: dict[str, list[str]] = {}
    for outcome in outcomes:
        for one in outcome.checked:
            if one.failure is not None:
                found.setdefault(one.check, []).append(one.failure)
    return {name: f"{len(causes)} answers could not be checked: {causes[0]}" for name, causes in found.items()}
