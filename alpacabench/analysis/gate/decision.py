"""The verdict of the gate: a paired one-sided test, and a claim of no loss that missing verdicts cannot bring about.

A block needs the mean beyond the margin, in the small-sample form of every other comparison, and the exact sign flips.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from alpacabench.core.errors import DataError

if TYPE_CHECKING:
    from alpacabench.scoring.arrays import Floats

Verdict = Literal["release", "undecided", "block"]
DRAWS = 9_999
"""Sign flips: the smallest p value is 1 / 10,000."""
WORST = -100.0
"""A lost prompt that is added before a release: a few prompts without any loss do not show that there is none."""


@dataclass(frozen=True)
class Decision:
    """A verdict and what it rests on; points are percentage points of the metric."""

    verdict: Verdict
    margin: float
    alpha: float
    estimate: float
    """Run minus base, on the prompts with a verdict in both."""
    standard_error: float
    low: float
    high: float
    """Ends of the one-sided 1 - alpha bounds: at least `low`, at most `high`."""
    p_worse: float
    """Of no loss beyond the margin: small where the run is worse."""
    p_not_worse: float
    """Of a loss of the margin or more, where the judge is mostly undecided of any: small where it is not inferior."""
    n: int
    """Prompts with a verdict in both."""
    saturated: bool = False
    """Whether every verdict of both runs is the same win, loss or draw: then nothing is decided."""
    undecided_share: float = 0.0
    """Percent of the verdicts on which the judge is undecided."""

    @property
    def judge_undecided(self) -> bool:
        """Whether the judge is undecided on most verdicts."""
        from alpacabench.scoring.saturation import MOSTLY

        return self.undecided_share > MOSTLY

    @property
    def loss(self) -> str:
        """What the run must not be: 'worse', or '2 points worse'."""
        return f"{self.margin:g} points worse" if self.margin else "worse"


def decide(
    differences: Floats,
    margin: float,
    alpha: float,
    worst: Floats | None = None,
    seed: int = 0,
    draws: int = DRAWS,
    saturated: bool = False,
    undecided_share: float = 0.0,
) -> Decision:
    """Decide from the paired differences, run minus base, in points; one per prompt.

    Args:
        differences: of the prompts with a verdict in both runs.
        margin: loss in points that is tolerated.
        alpha: share of false alarms that is tolerated.
        worst: the least that the difference of each other prompt can be; only a release takes them into account.
        seed: of the sign flips.
        draws: number of sign flips.
        saturated: whether every verdict of both runs is the same, so that nothing can be decided.
        undecided_share: percent of the verdicts on which the judge is undecided; where it is most of them, alike win
            rates are its doing, and only a run that is shown to be no worse at all is released.

    Raises:
        DataError: fewer than two prompts.

    """
    import numpy as np
    from scipy.special import stdtr, stdtrit

    from alpacabench.scoring.arrays import standard_error
    from alpacabench.scoring.saturation import MOSTLY
    from alpacabench.scoring.small_sample import mean_of, sign_flip_p_below

    n = len(differences)
    if n < 2:
        raise DataError(f"gate: {n} prompts have a verdict in both runs; two are the least")
    values = np.sort(differences)
    estimate, error, known = float(np.mean(values)), standard_error(values), mean_of(values)
    p_worse = max(known.chance_above(-margin), sign_flip_p_below(values, seed, draws))
    padded = np.concatenate([values, np.sort(worst) if worst is not None else [], [WORST]])
    cautious, cautious_error, freedom = float(np.mean(padded)), standard_error(padded), len(padded) - 1
    # Without a spread every prompt is lost, as the added one is.
    tolerated = margin if undecided_share <= MOSTLY else 0.0
    p_not_worse = float(stdtr(freedom, -(cautious + tolerated) / cautious_error)) if cautious_error > 0 else 1.0
    verdict: Verdict = "block" if p_worse <= alpha else "release" if p_not_worse <= alpha else "undecided"
    if saturated:
        verdict = "undecided"
    low = max(WORST, cautious - float(stdtrit(freedom, 1 - alpha)) * cautious_error)
    high = min(-WORST, known.centre + known.quantile(1 - alpha) * known.error)
    return Decision(
        verdict, margin, alpha, estimate, error, low, high, p_worse, p_not_worse, n, saturated, undecided_share
    )
