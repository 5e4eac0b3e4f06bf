"""The length-controlled win rate of finished runs: regularised where the difficulties are given, else without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alpacabench.analysis.finished_run import FinishedRun, Item

if TYPE_CHECKING:
    from alpacabench.scoring.difficulty import DifficultyTable
    from alpacabench.scoring.length_control import LengthControlled
    from alpacabench.scoring.pairs import Pairs

DRAWS = 500


@dataclass(frozen=True)
class Fits:
    """One fit per run, all of one variant; none, and the reason, where any run has none."""

    metric: str
    """`length_controlled_winrate`, or `length_controlled_winrate_noreg` for the variant without gamed baselines."""
    fits: tuple[LengthControlled, ...]
    refused: str
    """Why the regularised variant is not given; empty where it is."""


def fit_runs(runs: Sequence[FinishedRun], table: DifficultyTable | None, draws: int = DRAWS) -> Fits:
    """Fit every run on its scored prompts, which runs to be compared share.

    No run is regularised where one of them cannot be, as with another judge or reference than the difficulties'.
    """
    from alpacabench.scoring.length_control import length_controlled, length_controlled_noreg
    from alpacabench.scoring.pairs import Refusal

    unknown = _without_lengths(runs)
    if unknown:
        return Fits("length_controlled_winrate", (), unknown)
    pairs = [_pairs(run) for run in runs]
    results = [
        length_controlled(pair, table, run.judge, run.reference, draws) for pair, run in zip(pairs, runs, strict=True)
    ]
    reason = next((result.reason for result in results if isinstance(result, Refusal)), "")
    if table is None:
        reason = "prompt difficulties are not at hand: give --lc-data df_gamed.csv and --dataset FILE"
    metric = "length_controlled_winrate"
    if reason:
        metric = "length_controlled_winrate_noreg"
        noreg = [length_controlled_noreg(pair, table, draws) for pair in pairs]
        again = next((result.reason for result in noreg if isinstance(result, Refusal)), "")
        results, reason = (noreg, f"{reason}; {metric}: {again}") if again else (noreg, reason)
    fits = tuple(result for result in results if not isinstance(result, Refusal))
    return Fits(metric, fits if len(fits) == len(runs) else (), reason)


def _without_lengths(runs: Sequence[FinishedRun]) -> str:
    for run in runs:
        items = [item for item in run.items.values() if item.preference == item.preference]
        if any(item.length is None for item in items):
            return f"the answers of {run.name} are not at hand: give --outputs, or put model_outputs.json beside"
        if any(item.reference is None for item in items):
            return f"the reference answers of {run.name} are not at hand: give --dataset FILE"
    return ""


def _pairs(run: FinishedRun) -> Pairs:
    from alpacabench.scoring.pairs import Pairs

    items = [item for item in run.items.values() if item.length is not None and item.reference is not None]
    return Pairs.of(
        [item.instruction for item in items],
        [item.preference for item in items],
        [item.length or 0.0 for item in items],
        [_reference_length(item) for item in items],
    )


def _reference_length(item: Item) -> float:
    return len(item.reference or "") if item.reference_length is None else item.reference_length
