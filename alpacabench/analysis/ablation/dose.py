"""Dose and response: how the win rate moves with a family's strength."""

from __future__ import annotations

import numpy as np

from alpacabench.analysis.ablation.floor import mean_estimate
from alpacabench.analysis.ablation.table import Dose
from alpacabench.analysis.decision import side
from alpacabench.scoring.arrays import Floats


def dose_response(base: Floats, levels: list[tuple[float, Floats]]) -> Dose | None:
    """Return the slope over strengths, the base being strength 0; None below two strengths.

    Args:
        base: y of the unchanged prompts, shape (prompts,).
        levels: strength and y on the same prompts; NaN where a variant does not count.

    """
    levels = sorted(levels, key=lambda level: level[0])
    strengths = np.array([0.0, *(strength for strength, _ in levels)])
    y = np.vstack([base, *(values for _, values in levels)])
    y = y[:, ~np.isnan(y).any(axis=0)]
    if len(set(strengths)) < 3 or y.shape[1] < 2:
        return None
    centred = strengths - strengths.mean()
    slopes = centred / float(centred @ centred)
    steps = [side(mean_estimate(after - before)) for before, after in zip(y, y[1:], strict=False)]
    return Dose(
        slope=mean_estimate(slopes @ y, reach=float(np.abs(slopes).sum()) / 2),
        points=tuple(
            (strength, mean_estimate(row - y[0])) for strength, row in zip(strengths.tolist(), y, strict=True)
        ),
        non_monotone=min(steps) < 0 < max(steps),
    )
