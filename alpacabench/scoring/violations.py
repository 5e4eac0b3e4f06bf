"""Violation rates: what the checks on answers found, as figures beside the win rate and never a part of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from alpacabench.core.records import NO_ANSWER, Checked, Outcome
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


def passed(outcomes: Sequence[Outcome], name: str) -> list[tuple[int, int]]:
    """Return for each prompt that a check could be made on how many samples are clean, and how many were checked."""
    made = [[not c.findings for c in o.checked if c.check == name and c.failure is None] for o in outcomes]
    return [(sum(clean), len(clean)) for clean in made if clean]


def violating_share(checked: Sequence[Checked], name: str) -> float | None:
    """Return the share of a prompt's samples that violate; None where the check was made on none."""
    made = [bool(one.findings) for one in checked if one.check == name and one.failure is None]
    return sum(made) / len(made) if made else None


@dataclass(frozen=True, slots=True)
class RateDifference:
    """A violation rate minus the base's, on the prompts that both could check."""

    estimate: float
    """In percentage points."""
    p_value: float
    """Exact and two-sided: McNemar's test, which is the sign test of the prompts that differ."""
    n_paired: int
    n_more: int
    """Prompts on which more of the answers violate than in the base."""
    n_fewer: int


def rate_difference(shares: Sequence[float], base: Sequence[float]) -> RateDifference | None:
    """Return the paired difference of two violation rates; None where no prompt was checked in both.

    The p value is P(X <= min(b, c)) * 2, at most 1, with X binomial(b + c, 1/2), where b prompts have more violations
    than in the base and c fewer (McNemar 1947, Psychometrika 12, in its exact form).

    Args:
        shares: of each prompt's answers that violate, in [0, 1]; NaN where that is not known.
        base: the base's, in the same order.

    """
    from scipy.stats import binomtest

    both = [(a, b) for a, b in zip(shares, base, strict=True) if not math.isnan(a + b)]
    if not both:
        return None
    more, fewer = sum(a > b for a, b in both), sum(a < b for a, b in both)
    p = float(binomtest(min(more, fewer), more + fewer).pvalue) if more + fewer else 1.0
    return RateDifference(sum(a - b for a, b in both) / len(both) * 100, p, len(both), more, fewer)


def failures(outcomes: Sequence[Outcome]) -> Mapping[str, str]:
    """Return, by check, how many answers could not be checked and the first cause."""
    found: dict[str, list[str]] = {}
    for outcome in outcomes:
        for one in outcome.checked:
            if one.failure not in (None, NO_ANSWER):
                found.setdefault(one.check, []).append(str(one.failure))
    return {name: f"{len(causes)} answers could not be checked: {causes[0]}" for name, causes in found.items()}
