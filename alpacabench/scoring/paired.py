"""Comparison of two runs on the same prompts: prompts that are hard for both cancel out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from alpacabench.core.errors import DataError
from alpacabench.scoring.arrays import (
    Floats,
    bootstrap_means,
    canonical_order,
    outcomes,
    percentile_interval,
    same_length,
    standard_error,
)
from alpacabench.scoring.length_control import LengthControlled
from alpacabench.scoring.saturation import MOSTLY, saturated, undecided_share
from alpacabench.scoring.small_sample import mean_of, n_changes, sign_flip_p
from alpacabench.scoring.win_rate import POWER_80, missing_bounds

ROUNDING = 1e-8
"""Preferences that differ by less are equal: published files are rounded to ten digits."""
FEW_DRAWS = 2
"""Enough where no bootstrap figure is read: the interval of a `Delta` comes from the influence of each prompt, so that
neither it nor the two fits of an LC difference need resamples."""


@dataclass(frozen=True)
class Delta:
    """A run minus its base on the same prompts, in percentage points."""

    estimate: float
    standard_error: float
    """Paired, from the influence of each prompt."""
    ci_low: float
    ci_high: float
    """95%: estimate +- 1.96 standard errors, and wider where prompts or changes are few (`small_sample`)."""
    ci_low_90: float
    ci_high_90: float
    bootstrap_standard_error: float
    bootstrap_ci_low: float
    bootstrap_ci_high: float
    """95%, from resamples of prompts that both runs share."""
    p_value: float
    """Two-sided, of no difference; where changes are few the larger of the t test's and the exact sign flips'."""
    p_sign_flip: float
    """Of no difference, from the signs alone: exact for every number of prompts."""
    margin: float
    equivalent: bool
    """Whether the 90% interval lies inside +- margin, two one-sided tests at 5%, and the verdicts tell (`tells`)."""
    equivalence_p: float
    p_better: float
    """Posterior probability, a flat prior given, that the run is better by more than the margin."""
    p_worse: float
    """The same, that it is worse by more than the margin."""
    saturated: bool
    """Whether every verdict of both runs is the same win, loss or draw: then nothing can be concluded."""
    undecided_share: float
    """Percent of the verdicts of both runs on which the judge is undecided: where it is most of them, that rates are
    alike says more of the judge than of the runs."""
    mde_80: float
    """Smallest difference that this pair would show with 80% power; with 50% it shows 0.70 of it."""
    n_changes: float
    """Prompts that make up the spread: below a few, `mde_80` promises too much (`small_sample.n_changes`)."""
    standard_error_unpaired: float
    """For reference: what it would be if the prompts were not shared."""
    rho: float
    """Correlation of the two runs over prompts; NaN where one does not vary."""
    variance_reduction: float
    """Unpaired over paired variance; NaN where the runs are identical."""
    n_paired: int
    influence: Floats = field(repr=False, compare=False)
    """Influence of each prompt on the estimate, in points, in the order of the sorted instructions."""

    @property
    def tells(self) -> bool:
        """Whether the verdicts could show that two runs differ, so that alike rates mean alike runs."""
        return not self.saturated and self.undecided_share <= MOSTLY

    def from_verdicts_of(self, raw: Delta) -> Delta:
        """Return the difference as one of the same verdicts as `raw`: what they cannot tell, it cannot, either."""
        return replace(
            self, saturated=raw.saturated, undecided_share=raw.undecided_share, equivalent=self.equivalent and raw.tells
        )

    def metrics(self, name: str) -> dict[str, float]:
        """Return the figures under their MLflow names; name is `wr` or `lc`."""
        interval = "delta" if name == "wr" else f"delta_{name}"
        figures = {
            f"delta_{name}": self.estimate,
            f"delta_{name}_se": self.standard_error,
            f"{interval}_ci_low": self.ci_low,
            f"{interval}_ci_high": self.ci_high,
        }
        if name == "wr":
            figures |= {"rho": self.rho, "variance_reduction": self.variance_reduction, "n_paired": self.n_paired}
            figures[f"equivalent_{self.margin:g}pts"] = float(self.equivalent)
            figures |= {"p_better": self.p_better, "p_worse": self.p_worse, "saturated": float(self.saturated)}
        return figures


@dataclass(frozen=True)
class Flips:
    """Prompts whose winner changed; a win is y > 0.5. Shares are in [0, 1]."""

    flip_rate: float
    win_to_loss: float
    loss_to_win: float
    n_win_to_loss: int
    n_loss_to_win: int
    n_paired: int
    mcnemar_p: float
    """Exact, two-sided: whether flips favour one direction."""
    flipped: tuple[str, ...]
    """The instructions, sorted."""


def compare_win_rates(
    base_instructions: Sequence[str],
    base_preferences: ArrayLike,
    instructions: Sequence[str],
    preferences: ArrayLike,
    *,
    margin: float,
    draws: int = 10_000,
    seed: int = 0,
) -> Delta:
    """Return the paired difference of win rates over the prompts with a verdict in both runs.

    Args:
        base_instructions: of the base, in any order.
        base_preferences: in [1, 2], shape (prompts,); NaN where there is no verdict.
        instructions: of the run.
        preferences: the same of the run.
        margin: points within which the two count as equivalent.
        draws: resamples of the bootstrap figures.
        seed: of the resamples.

    Raises:
        DataError: the runs are not on the same instructions, or share fewer than two verdicts.
    """
    _, base, y = _align(base_instructions, base_preferences, instructions, preferences)
    y = np.where(np.abs(y - base) < ROUNDING, base, y)
    estimate = float(np.mean(y - base) * 100)
    resampled = bootstrap_means((y - base)[None] * 100, draws, seed)[:, 0]
    influences = (base - np.mean(base)) * 100, (y - np.mean(y)) * 100
    return _delta(estimate, *influences, resampled, margin, np.concatenate([base, y]))


def compare_length_controlled(base: LengthControlled, run: LengthControlled, margin: float) -> Delta:
    """Return the paired difference of two LC win rates, from their influences and their shared resamples.

    Raises:
        DataError: other instructions, another variant of the fit, or resamples that are not shared.
    """
    if base.instructions != run.instructions:
        raise DataError(_different(base.instructions, run.instructions))
    if base.regularised != run.regularised or (base.w_difficulty is None) != (run.w_difficulty is None):
        raise DataError("the two LC win rates come from different models (with and without baselines or difficulty).")
    if base.draws.shape != run.draws.shape or base.seed != run.seed:
        raise DataError(
            f"the two LC win rates were resampled differently: {len(base.draws)} draws of seed {base.seed} and "
            f"{len(run.draws)} of seed {run.seed}. Score both with the same number and seed."
        )
    return _delta(run.value - base.value, base.influence, run.influence, run.draws - base.draws, margin)


def compare_winners(
    base_instructions: Sequence[str], base_preferences: ArrayLike, instructions: Sequence[str], preferences: ArrayLike
) -> Flips:
    """Return the flips between two runs, in both directions.

    Raises:
        DataError: the runs are not on the same instructions, or share fewer than two verdicts.
    """
    keys, base, y = _align(base_instructions, base_preferences, instructions, preferences)
    lost, won = (base > 0.5) & (y <= 0.5), (base <= 0.5) & (y > 0.5)
    n, n_lost, n_won = len(y), int(lost.sum()), int(won.sum())
    return Flips(
        flip_rate=(n_lost + n_won) / n,
        win_to_loss=n_lost / n,
        loss_to_win=n_won / n,
        n_win_to_loss=n_lost,
        n_loss_to_win=n_won,
        n_paired=n,
        mcnemar_p=mcnemar_exact(n_lost, n_won),
        flipped=tuple(keys[row] for row in np.flatnonzero(lost | won)),
    )


def difference_bounds(base_preferences: ArrayLike, preferences: ArrayLike) -> tuple[float, float] | None:
    """Return the difference of win rates in points with the missing verdicts at their worst for the run, and at best.

    At worst the run loses what it lacks and the base wins what it lacks. None where no verdict is missing.

    Args:
        base_preferences: in [1, 2], shape (prompts,); NaN where there is no verdict.
        preferences: the run's, of the same prompts in the same order.

    """
    base, run = missing_bounds(base_preferences), missing_bounds(preferences)
    if not (base or run):
        return None
    (base_low, base_high), (low, high) = (
        bounds or (float(np.mean(outcomes(given))) * 100,) * 2
        for bounds, given in ((base, base_preferences), (run, preferences))
    )
    return low - base_high, high - base_low


def mcnemar_exact(one_way: int, other_way: int) -> float:
    """Return the exact two-sided p-value that flips are as likely one way as the other."""
    from scipy.special import bdtr

    return float(min(1.0, 2 * bdtr(min(one_way, other_way), one_way + other_way, 0.5)))


def _align(
    base_instructions: Sequence[str], base_preferences: ArrayLike, instructions: Sequence[str], preferences: ArrayLike
) -> tuple[list[str], Floats, Floats]:
    """Return instructions and both outcomes in canonical order, where both runs have a verdict."""
    base, y = outcomes(base_preferences), outcomes(preferences)
    same_length(instructions=base_instructions, preferences=base)
    same_length(instructions=instructions, preferences=y)
    base_order, order = canonical_order(base_instructions), canonical_order(instructions)
    base_keys, keys = [base_instructions[row] for row in base_order], [instructions[row] for row in order]
    if base_keys != keys:
        raise DataError(_different(base_keys, keys))
    base, y = base[base_order], y[order]
    known = ~np.isnan(base + y)
    if known.sum() < 2:
        n = f"{int(known.sum())} prompt{' has' if known.sum() == 1 else 's have'}"
        raise DataError(f"{n} a verdict in both runs; a comparison needs two or more.")
    return [key for key, both in zip(keys, known, strict=True) if both], base[known], y[known]


def _different(base: Sequence[str], run: Sequence[str]) -> str:
    only_base, only_run = sorted(set(base) - set(run)), sorted(set(run) - set(base))
    example = (only_base + only_run)[0]
    return (
        f"the runs are not on the same prompts: {len(only_base)} only in the base, {len(only_run)} only in the run, "
        f"such as {example[:60]!r}. Compare runs of one subset."
    )


def _delta(
    estimate: float,
    base_influence: Floats,
    influence: Floats,
    resampled: Floats,
    margin: float,
    verdicts: Floats | None = None,
) -> Delta:
    """Return what is known of a difference; without the verdicts it rests on, they are taken for telling ones."""
    difference = influence - base_influence
    values = estimate + difference - np.mean(difference)
    known, flips, error = mean_of(values), sign_flip_p(values), standard_error(difference)
    spreads = np.std(base_influence), np.std(influence)
    unpaired = float(np.hypot(standard_error(base_influence), standard_error(influence)))
    low, high = percentile_interval(resampled)
    (ci_low, ci_high), (low_90, high_90) = known.interval(), known.interval(0.9)
    few = np.isfinite(known.freedom)
    y = np.empty(0) if verdicts is None else verdicts
    same, undecided = saturated(y), undecided_share(y)
    return Delta(
        estimate=estimate,
        standard_error=error,
        ci_low=max(-100.0, ci_low),
        ci_high=min(100.0, ci_high),
        ci_low_90=low_90,
        ci_high_90=high_90,
        bootstrap_standard_error=float(np.std(resampled, ddof=1)),
        bootstrap_ci_low=low,
        bootstrap_ci_high=high,
        p_value=max(known.two_sided_p(), flips) if few else known.two_sided_p(),
        p_sign_flip=flips,
        margin=margin,
        equivalent=-margin < low_90 and high_90 < margin and not same and undecided <= MOSTLY,
        equivalence_p=max(1 - known.chance_above(-margin), known.chance_above(margin)),
        p_better=known.chance_above(margin),
        p_worse=1 - known.chance_above(-margin),
        saturated=same,
        undecided_share=undecided,
        mde_80=known.detectable() if few else POWER_80 * error,
        n_changes=n_changes(values),
        standard_error_unpaired=unpaired,
        rho=float(np.corrcoef(base_influence, influence)[0, 1]) if min(spreads) > 0 else float("nan"),
        variance_reduction=unpaired**2 / error**2 if error > 0 else float("nan"),
        n_paired=len(difference),
        influence=difference,
    )
