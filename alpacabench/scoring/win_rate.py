"""Win rate as alpaca_eval computes it, and an interval that alpaca_eval does not give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from alpacabench.scoring.arrays import (
    Floats,
    bootstrap_means,
    outcomes,
    percentile_interval,
    same_length,
    standard_error,
)
from alpacabench.scoring.normal import Z_95

FEW_ROWS = 100
WILSON_WITHIN_POINTS = 3.0
"""Below so many rows, or so close to 0 or 100, the central limit theorem is not to be trusted (MEASUREMENT 2.1)."""
SOFT_SHARE = 0.5
"""A judge with fewer clear verdicts than this share is soft: none of its verdicts is a whole win, so that Wilson's
interval, which is that of whole wins, would be far too wide."""
MAX_EFFECTIVE_RATIO = 1.6
"""A soft verdict is worth at most 1.6 hard ones: the standard error was 12-21% below binomial on real judges."""
POWER_80 = 2.80
"""z(0.975) + z(0.80): detectable effect in standard errors, two-sided 5%, 80% power."""
TYPICAL_VARIANCE_REDUCTION = 2.5
"""What pairing saves between variants of one system: 2 to 3 times the variance."""
CONFIDENT = 0.49


Interval = Literal["bootstrap", "wilson", "t"]


@dataclass(frozen=True)
class WinRate:
    """Win rate and its uncertainty; rates in percentage points, under the names that alpaca_eval uses."""

    win_rate: float
    standard_error: float
    discrete_win_rate: float
    n_wins: int
    n_wins_base: int
    n_draws: int
    n_total: int
    """Rows with a verdict."""
    n_failed: int
    """Rows whose verdict is missing."""
    win_rate_ci_low: float
    win_rate_ci_high: float
    interval: Interval
    mde_80_paired: float
    judge_confident_share: float


UNITS = {
    "win_rate": "%", "standard_error": "%", "discrete_win_rate": "%", "n_wins": "prompts", "n_wins_base": "prompts",
    "n_draws": "prompts", "n_total": "prompts", "n_failed": "prompts", "win_rate_ci_low": "%", "win_rate_ci_high": "%",
    "mde_80_paired": "points", "judge_confident_share": "share",
}  # fmt: skip
"""Of the figures of `WinRate`."""


def score_win_rate(preferences: ArrayLike, draws: int = 10_000, seed: int = 0) -> WinRate:
    """Score preferences in [1, 2] (NaN is missing): alpaca_eval's figures and a 95% interval.

    The interval is `mean_interval`'s.
    """
    given = outcomes(preferences)
    y = np.sort(given[~np.isnan(given)])
    n, wins, losses = len(y), int(np.sum(y > 0.5)), int(np.sum(y < 0.5))
    rate = float(np.mean(y) * 100) if n else float("nan")
    error = standard_error(y) * 100
    low, high, interval = mean_interval(y, draws, seed)
    return WinRate(
        win_rate=rate,
        standard_error=error,
        discrete_win_rate=(wins + (n - wins - losses) / 2) / n * 100 if n else float("nan"),
        n_wins=wins,
        n_wins_base=losses,
        n_draws=n - wins - losses,
        n_total=n,
        n_failed=len(given) - n,
        win_rate_ci_low=low * 100,
        win_rate_ci_high=high * 100,
        interval=interval,
        mde_80_paired=mde_80_paired(error),
        judge_confident_share=judge_confident_share(preferences),
    )


def missing_bounds(preferences: ArrayLike) -> tuple[float, float] | None:
    """Return the win rate in percent if every missing verdict were a loss, and if each were a win.

    None where no verdict is missing, or there is no prompt.
    """
    y = outcomes(preferences)
    if not np.isnan(y).any():
        return None
    lost, won = (float(np.mean(np.where(np.isnan(y), end, y))) * 100 for end in (0.0, 1.0))
    return lost, won


def mean_interval(y: Floats, draws: int = 10_000, seed: int = 0) -> tuple[float, float, Interval]:
    """Return the 95% interval of the mean of y in [0, 1], and its kind; which one follows from the verdicts.

    Whole wins, losses and draws, and verdicts that are all the same: Wilson's. A judge that is mostly clear: Wilson's
    on the effective number of rows where rows or wins are few, else a bootstrap of prompts. A soft one: t quantiles,
    else the bootstrap, so that nothing jumps at 100 rows.
    """
    n, y = len(y), np.sort(y)
    clear = np.minimum(np.abs(y - 0.5), 0.5 - np.abs(y - 0.5)) <= 0.5 - CONFIDENT
    if n < 2 or y[0] == y[-1] or np.all(np.isin(y, (0.0, 0.5, 1.0))):
        return *wilson_interval(y), "wilson"
    soft = float(np.mean(clear)) < SOFT_SHARE
    extreme = min(float(np.mean(y)), 1 - float(np.mean(y))) * 100 < WILSON_WITHIN_POINTS
    if not soft and (n < FEW_ROWS or extreme):
        return *wilson_interval(y), "wilson"
    if n < FEW_ROWS:
        return *_t_interval(y), "t"
    low, high = percentile_interval(bootstrap_means(y[None], draws, seed)[:, 0])
    return low, high, "bootstrap"


def _t_interval(y: Floats) -> tuple[float, float]:
    from scipy.special import stdtrit

    half = float(stdtrit(len(y) - 1, 0.975)) * standard_error(y)
    return max(0.0, float(np.mean(y)) - half), min(1.0, float(np.mean(y)) + half)


def wilson_interval(y: Floats) -> tuple[float, float]:
    """Return Wilson's 95% interval of the mean of y in [0, 1], with n_eff = p(1-p) / SE^2 rows."""
    n = len(y)
    if n == 0:
        return float("nan"), float("nan")
    p = float(np.mean(y))
    variance = standard_error(y) ** 2 if n > 1 else 0.0
    n_eff = min(p * (1 - p) / variance, MAX_EFFECTIVE_RATIO * n) if variance > 0 else float(n)
    z2 = Z_95**2
    centre = (p + z2 / (2 * n_eff)) / (1 + z2 / n_eff)
    half = Z_95 / (1 + z2 / n_eff) * np.sqrt(p * (1 - p) / n_eff + z2 / (4 * n_eff**2))
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def mde_80_paired(standard_error: float, variance_reduction: float = TYPICAL_VARIANCE_REDUCTION) -> float:
    """Return the smallest difference to a paired run that 80% power detects at 5%, two-sided, in the unit of the error.

    From one run alone, assuming a second one with the same error; `compare` gives the figure of a real pair.
    """
    return POWER_80 * standard_error * float(np.sqrt(2 / variance_reduction))


def judge_confident_share(preferences: ArrayLike) -> float:
    """Return the share of verdicts within 0.01 of a clear win or loss."""
    y = outcomes(preferences)
    y = y[~np.isnan(y)]
    return float(np.mean(np.abs(y - 0.5) > CONFIDENT)) if len(y) else float("nan")


@dataclass(frozen=True)
class SlotMetrics:
    """How much the place in the judge's prompt decides; rates in percentage points."""

    win_rate_first: float
    """Win rate where the model's answer is shown first."""
    win_rate_second: float
    position_gap: float
    """Second minus first: positive where the judge favours what it reads last."""
    position_gap_se: float
    win_rate_slot_balanced: float


SLOT_UNITS = {
    "win_rate_first": "%", "win_rate_second": "%", "position_gap": "points", "position_gap_se": "points",
    "win_rate_slot_balanced": "%",
}  # fmt: skip
"""Of the figures of `SlotMetrics`."""
BOTH_ORDERS_UNITS = {"order_consistency": "share", "n_one_order": "prompts"}
"""Of what is known where prompts are judged in both orders."""


def score_slots(preferences: ArrayLike, model_first: ArrayLike) -> SlotMetrics:
    """Score verdicts by slot, one row per verdict, each prompt judged in one order."""
    y, shown_first = outcomes(preferences), np.asarray(model_first, dtype=np.bool_)
    same_length(preferences=y, model_first=shown_first)
    known = ~np.isnan(y)
    first, second = np.sort(y[known & shown_first]), np.sort(y[known & ~shown_first])
    return _slot_metrics(first, second, float(np.hypot(standard_error(first), standard_error(second))))


def score_both_orders(preferences_first: ArrayLike, preferences_second: ArrayLike) -> tuple[SlotMetrics, float]:
    """Score prompts judged in both orders: slot metrics with the paired error, and `order_consistency`.

    Row i of both is one prompt, shown with the model first and with it second. `order_consistency` is the share of
    prompts with the same winner in both orders. Prompts without both verdicts are left out.
    """
    first, second = outcomes(preferences_first), outcomes(preferences_second)
    same_length(preferences_first=first, preferences_second=second)
    known = ~np.isnan(first + second)
    first, second = first[known], second[known]
    consistent = np.sign(first - 0.5) == np.sign(second - 0.5)
    error = standard_error(np.sort(second - first))
    return _slot_metrics(np.sort(first), np.sort(second), error), float(np.mean(consistent)) if len(first) else np.nan


def _slot_metrics(first: Floats, second: Floats, error: float) -> SlotMetrics:
    one, two = (float(np.mean(side) * 100) if len(side) else float("nan") for side in (first, second))
    return SlotMetrics(one, two, two - one, error * 100, (one + two) / 2)


def slot_p(preferences_first: ArrayLike, preferences_second: ArrayLike, draws: int = 1_999, seed: int = 0) -> float:
    """Return the p-value that the slot does not matter, from exchanging the slots: valid for every number of prompts.

    Within each prompt where any has both orders; else between prompts, whose slots were drawn. Row i of both is one
    prompt; NaN where it was not judged in that order. NaN where neither can be tested.
    """
    from alpacabench.scoring.small_sample import sign_flip_p

    first, second = outcomes(preferences_first), outcomes(preferences_second)
    paired = (second - first)[~np.isnan(second - first)]
    if len(paired):
        return sign_flip_p(paired * 100, seed)
    one, two = first[~np.isnan(first)], second[~np.isnan(second)]
    values = np.concatenate([one, two])
    if min(len(one), len(two)) == 0 or np.ptp(values) == 0:
        return float("nan")
    # The mean of the second slot beyond that of all is the gap, but for a factor.
    values = values - np.mean(values)
    slots = np.tile(np.arange(len(values)) >= len(one), (draws, 1))
    by_chance = np.random.default_rng(seed).permuted(slots, axis=1) @ values
    observed = abs(float(np.sum(values[len(one) :]))) - 1e-9
    return (1 + int(np.sum(np.abs(by_chance) >= observed))) / (1 + draws)
