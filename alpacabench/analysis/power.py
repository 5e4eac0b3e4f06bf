"""Power before spending: how many prompts a difference needs, from the spread that earlier runs showed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import median

from alpacabench.analysis.compatible import differences
from alpacabench.analysis.decision import ALPHA, POWER
from alpacabench.analysis.finished_run import FinishedRun, read_run
from alpacabench.core.errors import AlpacabenchError

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

    def sentence(self) -> str:
        """Return where it is from."""
        if self.n_pairs:
            pairs = f"{self.n_pairs} pair{'s' * (self.n_pairs != 1)} of earlier runs"
            return f"The paired difference varies by {self.values[0]:.0f} points over prompts, the median of {pairs}."
        if len(self.values) == 1:
            return f"The paired difference varies by {self.values[0]:.0f} points over prompts, as given."
        return (
            f"No two earlier runs tell how much the paired difference varies; assumed: {self.values[0]:.0f} points, as "
            f"between variants of a system that wins 10%, to {self.values[1]:.0f}, as of one that wins 60%."
        )


def spread_of(runs: Sequence[FinishedRun]) -> Spread:
    """Return the median spread over the pairs of runs that can be compared; typical ones where there is none."""
    found = [spread for one, other in combinations(runs, 2) if (spread := _spread(one, other))]
    return Spread((median(found),), len(found)) if found else Spread(TYPICAL)


def _spread(one: FinishedRun, other: FinishedRun) -> float | None:
    import numpy as np

    if any(problem.where != "subset" for problem in differences(one, other)):
        return None
    pairs = [(one.items[text].preference, other.items[text].preference) for text in one.items if text in other.items]
    known = np.array([(b - a) * 100 for a, b in pairs if not math.isnan(a + b)])
    return float(np.std(known, ddof=1)) or None if len(known) >= FEWEST else None


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


def needed(
    spread: Spread,
    difference: float,
    comparisons: int,
    n: int | None = None,
    power: float = POWER,
    alpha: float = ALPHA,
) -> list[str]:
    """Return how many prompts a difference needs, and what n of them find, in words."""
    from alpacabench.scoring.power import difference_found, prompts_needed

    after = f"after {comparisons} comparison{'s' * (comparisons != 1)}"
    counts = [prompts_needed(difference, value, comparisons, power, alpha) for value in spread.values]
    found = [
        f"Power: a difference of {difference:g} points {after} needs {_span(counts)} prompts to be found with a chance "
        f"of {power:.0%}."
    ]
    if n is not None:
        sizes = [difference_found(n, value, comparisons, power, alpha) for value in spread.values]
        told = [f"{size:.1f}" for size in sizes if size is not None]
        found.append(f"{n} prompts find {_span(told)} points." if told else f"{n} prompts find no difference.")
    return [*found, spread.sentence()]


def _span(values: Sequence[object]) -> str:
    return " to ".join(dict.fromkeys(map(str, values)))
