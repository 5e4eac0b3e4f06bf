"""Power before spending: how many prompts a difference needs, from the spread that earlier runs showed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from alpacabench.analysis.compatible import differences
from alpacabench.analysis.finished_run import FinishedRun, read_run
from alpacabench.core.errors import AlpacabenchError

if TYPE_CHECKING:
    from alpacabench.scoring.arrays import Floats

ANNOTATIONS = "annotations.json"
OUTPUTS = Path("outputs")
"""Where runs are, unless Hydra is told another directory."""
TYPICAL = (22.3, 39.5)
"""Standard deviation in points of the paired difference between variants of one system: where it wins 10% against the
reference, and where it wins 50 to 70% (MEASUREMENT 2.3: 2.2 and 3.9 points are detectable with 805 prompts)."""
DIFFERENCE = 5.0
FEWEST = 30
"""Shared prompts from which two runs tell a spread."""
NEWEST = 12
"""Earlier runs that are looked at."""


@dataclass(frozen=True, slots=True)
class Spread:
    """What the difference between two runs varies by over prompts, in points."""

    values: tuple[float, ...]
    """One from earlier runs, or two typical ones where there are none."""
    n_pairs: int = 0
    whole: float | None = None
    """Share of it that whole verdicts make up, 0 to 1; None where it is not known."""


def spread_of(runs: Sequence[FinishedRun]) -> Spread:
    """Return the median spread over the pairs of runs that can be compared; typical ones where there is none."""
    import numpy as np

    from alpacabench.scoring.power import whole_share

    found = [known for one, other in combinations(runs, 2) if len(known := _paired(one, other)) and np.ptp(known) > 0]
    if not found:
        return Spread(TYPICAL)
    spread = median(float(np.std(known, ddof=1)) for known in found)
    return Spread((spread,), len(found), median(map(whole_share, found)))


def _paired(one: FinishedRun, other: FinishedRun) -> Floats:
    """Return the differences in points; none where the runs cannot be compared, or too few prompts are shared."""
    import numpy as np

    if any(problem.where != "subset" for problem in differences(one, other)):
        return np.empty(0)
    pairs = [(one.items[text].preference, other.items[text].preference) for text in one.items if text in other.items]
    known = np.array([(b - a) * 100 for a, b in pairs if not math.isnan(a + b)])
    return known if len(known) >= FEWEST else np.empty(0)


def earlier_runs(judge: str, directory: Path = OUTPUTS) -> list[FinishedRun]:
    """Return the newest finished runs below a directory that one judge judged; files that cannot be read are none."""
    files = sorted(directory.rglob(ANNOTATIONS), key=lambda path: path.stat().st_mtime, reverse=True)
    return [run for run in _read(files[:NEWEST]) if run.judge == judge]


def _read(files: Sequence[Path]) -> Iterator[FinishedRun]:
    for path in files:
        try:
            yield read_run(str(path.parent))
        except AlpacabenchError:
            continue
