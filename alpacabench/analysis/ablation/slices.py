"""The families' differences by category and by structural tag."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from alpacabench.analysis.ablation.floor import mean_estimate
from alpacabench.analysis.ablation.outcomes import Outcomes
from alpacabench.analysis.ablation.table import SliceRow
from alpacabench.analysis.ablation.variant import System
from alpacabench.analysis.estimate import FEW
from alpacabench.dataset.taxonomy import label, tags
from alpacabench.scoring.arrays import Bools, Floats


def slice_rows(system: System, outcomes: Outcomes) -> tuple[tuple[SliceRow, ...], int]:
    """Return one row for each slice of enough prompts, the largest first, and how many slices are too small."""
    slices: dict[tuple[str, str], list[bool]] = defaultdict(lambda: [False] * len(outcomes.instructions))
    for position, text in enumerate(outcomes.instructions):
        slices["category", system.base.run.items[text].category or label(text)][position] = True
        for tag in tags(text):
            slices["structural tag", tag][position] = True
    by_family = _differences(system, outcomes)
    rows = []
    for (breakdown, name), chosen in sorted(slices.items(), key=lambda item: (item[0][0], -sum(item[1]), item[0][1])):
        if sum(chosen) >= FEW:
            members = np.array(chosen)
            found = {family: d[members & ~np.isnan(d)] for family, d in by_family.items()}
            estimates = {family: mean_estimate(d) for family, d in found.items() if len(d) >= FEW}
            rows.append(SliceRow(breakdown, name, sum(chosen), estimates))
    return tuple(rows), len(slices) - len(rows)


def _differences(system: System, outcomes: Outcomes) -> dict[str, Floats]:
    """Return each family's difference to the base by prompt, the mean over its variants; NaN where none counts."""
    members: dict[str, list[int]] = defaultdict(list)
    for number, variant in enumerate(system.variants):
        members[variant.family].append(number)
    found = {}
    for family, numbers in members.items():
        counted: Bools = np.array([outcomes.counted(number) for number in numbers])
        total = np.where(counted, outcomes.variants[numbers] - outcomes.base, 0.0).sum(axis=0)
        n = counted.sum(axis=0)
        found[family] = np.where(n > 0, total / np.maximum(1, n), np.nan)
    return found
