"""The win rate as people would give it: a judge's rate with its errors taken out, and an interval that pays for it.

The naive interval knows how many prompts were judged, and nothing of the judge's errors; here the labels that measure
those errors count as the small sample that they are. Rates are shares in [0, 1]. The labelled prompts have to be a
random sample of the judged ones, as `alpacabench label` draws them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from alpacabench.core.errors import DataError
from alpacabench.scoring.arrays import Floats, same_length
from alpacabench.scoring.normal import Z_95

MIN_LABELS = 20
MIN_YOUDEN = 0.1
"""Sensitivity plus specificity less one; nearer to 0 the judge says next to nothing."""

Method = Literal["rogan_gladen", "prediction_powered"]


@dataclass(frozen=True, slots=True)
class Corrected:
    """A corrected win rate; shares in [0, 1]."""

    rate: float
    low: float
    high: float
    method: Method
    sensitivity: float | None = None
    """Share of the model's true wins that the judge sees; None, like the next, where draws forbid it."""
    specificity: float | None = None
    n_labels: int = 0

    @property
    def width(self) -> float:
        """The length of the interval."""
        return self.high - self.low


def rogan_gladen(verdicts: ArrayLike, judged: ArrayLike, labels: ArrayLike) -> Corrected | None:
    """Return the rate by sensitivity and specificity; None where the judge is too near to chance or a side is missing.

    rate = (p + specificity - 1) / (sensitivity + specificity - 1). Sources: Rogan and Gladen 1978, American
    Journal of Epidemiology 107; the interval is Lang and Reiczigel's (2014, Preventive Veterinary Medicine 113, 13-22).
    For judges: Lee et al., arXiv 2511.21140.

    Args:
        verdicts: the judge's wins, 0 or 1, of all prompts, shape (prompts,).
        judged: its wins on the labelled prompts, shape (labels,).
        labels: what people say of those, 0 or 1.

    """
    all_, judge, truth = (_shares(values) for values in (verdicts, judged, labels))
    same_length(judged=judge, labels=truth)
    if any(not np.all(np.isin(values, (0, 1))) for values in (all_, judge, truth)):
        raise DataError("sensitivity and specificity are those of whole verdicts: leave out draws, or round.")
    positive, negative = int(np.sum(truth == 1)), int(np.sum(truth == 0))
    if not len(all_) or not positive or not negative:
        return None
    se, sp = float(np.mean(judge[truth == 1])), float(np.mean(1 - judge[truth == 0]))
    if se + sp - 1 < MIN_YOUDEN:
        return None
    n, z2 = len(all_), Z_95**2
    p = (n * float(np.mean(all_)) + z2 / 2) / (n + z2)
    se_, sp_ = (positive * se + 1) / (positive + 2), (negative * sp + 1) / (negative + 2)
    youden = se_ + sp_ - 1
    if youden < MIN_YOUDEN:
        return None
    rate = (p + sp_ - 1) / youden
    of_se, of_sp = se_ * (1 - se_) / (positive + 2), sp_ * (1 - sp_) / (negative + 2)
    shift = 2 * z2 * (rate * of_se - (1 - rate) * of_sp)
    error = np.sqrt(p * (1 - p) / (n + z2) + rate**2 * of_se + (1 - rate) ** 2 * of_sp) / youden
    raw = float(np.clip((float(np.mean(all_)) + sp - 1) / (se + sp - 1), 0, 1))
    low, high = (float(np.clip(rate + shift + sign * Z_95 * error, 0, 1)) for sign in (-1, 1))
    return Corrected(raw, min(low, raw), max(high, raw), "rogan_gladen", se, sp, len(truth))


def prediction_powered(unlabelled: ArrayLike, judged: ArrayLike, labels: ArrayLike) -> Corrected | None:
    """Return the mean label, helped by the verdicts of unlabelled prompts; draws and soft verdicts are welcome.

    rate = mean(labels) + w (mean(unlabelled) - mean(judged)), w by which the error is smallest. t quantiles. Source:
    Angelopoulos et al. 2023, PPI++, arXiv 2311.01453. None with fewer than two labels.

    Args:
        unlabelled: the judge's y in [0, 1] of the prompts without a label, shape (prompts,).
        judged: its y of the labelled prompts, shape (labels,).
        labels: people's y of those, 0, 0.5 or 1.

    """
    from scipy.special import stdtrit

    rest, judge, truth = (_shares(values) for values in (unlabelled, judged, labels))
    m = same_length(judged=judge, labels=truth)
    if m < 2:
        return None
    n = len(rest)
    spread = float(np.var(np.concatenate([rest, judge]), ddof=1))
    covariance = float(np.cov(truth, judge)[0, 1])
    weight = float(np.clip(covariance / ((1 + m / n) * spread), 0, 1)) if n > 1 and spread > 0 else 0.0
    moved = weight * (float(np.mean(rest)) - float(np.mean(judge))) if weight else 0.0
    rate = float(np.mean(truth)) + moved
    of_rest = weight**2 * float(np.var(rest, ddof=1)) / n if weight else 0.0
    error = np.sqrt(float(np.var(truth - weight * judge, ddof=1)) / m + of_rest)
    half = float(stdtrit(m - 1, 0.975)) * float(error)
    low, high = (float(np.clip(rate + sign * half, 0, 1)) for sign in (-1, 1))
    return Corrected(float(np.clip(rate, 0, 1)), low, high, "prediction_powered", n_labels=m)


def corrected(verdicts: ArrayLike, labels: ArrayLike) -> Corrected | None:
    """Return the corrected rate, by the narrower of both ways; None with too few labels for an honest interval.

    Args:
        verdicts: the judge's y in [0, 1], shape (prompts,), NaN where there is none.
        labels: people's y of the same prompts, NaN where there is none.

    """
    judge, truth = np.asarray(verdicts, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    same_length(verdicts=judge, labels=truth)
    known = ~np.isnan(judge)
    judge, truth = judge[known], truth[known]
    marked = ~np.isnan(truth)
    if marked.sum() < MIN_LABELS or np.ptp(truth[marked]) == 0:
        return None
    found = [prediction_powered(judge[~marked], judge[marked], truth[marked])]
    if not np.any(judge == 0.5) and not np.any(truth == 0.5):
        wins = (judge > 0.5).astype(np.float64)
        found.append(rogan_gladen(wins, wins[marked], truth[marked]))
    return min(filter(None, found), key=lambda one: one.width, default=None)


def _shares(values: ArrayLike) -> Floats:
    shares = np.asarray(values, dtype=np.float64)
    if not np.all((shares >= 0) & (shares <= 1)):
        raise DataError("verdicts and labels are shares in 0 to 1 here, none missing.")
    return shares
