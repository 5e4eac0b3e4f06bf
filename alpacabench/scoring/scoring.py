"""From outcomes to the metrics of a run: win rate, slots, length control, slices and screens, under their names."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from alpacabench.core.component import Component
from alpacabench.core.errors import DataError, Problem
from alpacabench.core.records import Example, Outcome
from alpacabench.io.hub import ALPACA_EVAL, ALPACA_EVAL_REVISION, dataset_file
from alpacabench.io.rows import missing_file
from alpacabench.scoring import cautions
from alpacabench.scoring.metric_name import slice_names
from alpacabench.scoring.turns import answer_length, by_turn, reference_length

if TYPE_CHECKING:
    from alpacabench.scoring.difficulty import DifficultyTable
    from alpacabench.scoring.pairs import Pairs
    from alpacabench.scoring.win_rate import WinRate

MIN_SLICE = 30
"""A slice of fewer prompts has no metric of its own: its interval is too wide to mean anything (MEASUREMENT 5)."""

UNITS = {"truncated_share": "share"}
RARE_UNITS = {"win_rate_bound_low": "%", "win_rate_bound_high": "%", "n_skipped": "prompts"}
"""Of what a run has only where verdicts are missing, or where it was stopped."""


@dataclass(frozen=True)
class Difficulties:
    """alpaca_eval's published difficulties, or why they are not at hand."""

    table: DifficultyTable | None
    reason: str = ""

    @property
    def by_instruction(self) -> Mapping[str, float] | None:
        """The difficulty by instruction text."""
        return self.table.difficulty if self.table else None


@dataclass(frozen=True)
class Scores:
    """The metrics of a run, and what a reader must know beside them."""

    metrics: dict[str, float]
    warnings: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    """Metrics that are not given, with the reason."""


class Scoring(Component):
    """How outcomes become metrics."""

    group: ClassVar[str] = "scoring"

    bootstrap: int = Field(2000, ge=100)
    lc_data: str | None = None

    def problems(self) -> Iterator[Problem]:
        """Yield a missing file of difficulties."""
        if self.lc_data:
            yield from missing_file(self.lc_data, "scoring.lc_data")

    def difficulties(self, examples: Sequence[Example], has_difficulty: bool) -> Difficulties:
        """Return the difficulty of every instruction of the full data set, where it is published.

        Raises:
            DataError: `scoring.lc_data` cannot be used.

        """
        if not has_difficulty:
            return Difficulties(None, "the data set's prompts have no published difficulty")
        from alpacabench.scoring.difficulty import DifficultyTable

        path = self.lc_data
        if path is None:
            try:
                path = dataset_file(ALPACA_EVAL, "df_gamed.csv", ALPACA_EVAL_REVISION, "scoring.lc_data")
            except DataError as error:
                return Difficulties(None, str(error))
        try:
            return Difficulties(DifficultyTable.read(path, [example.instruction for example in examples]))
        except DataError as error:
            raise DataError(f"scoring.lc_data: {error}") from error

    def score(
        self,
        outcomes: Sequence[Outcome],
        examples: Sequence[Example],
        difficulties: Difficulties,
        judge: str,
        strata: Sequence[str] | None = None,
    ) -> Scores:
        """Return the metrics of one run.

        Args:
            outcomes: of the subset, one per example.
            examples: the full data set, for the fill-in.
            difficulties: see `difficulties`.
            judge: the judge's label: the regularised length control belongs to one judge and reference.
            strata: what each of the examples was drawn by; None where the subset has no strata.

        """
        if outcomes and not any(outcome.judged for outcome in outcomes):
            return _of_answers(outcomes)
        rate = self._win_rate(outcomes, {e.index: s for e, s in zip(examples, strata or (), strict=False)})
        scores = Scores({k: v for k, v in asdict(rate).items() if k != "interval"})
        _bounds(outcomes, scores)
        scores.metrics["truncated_share"] = _truncated(outcomes)
        _slots(outcomes, scores)
        _screens(outcomes, scores)
        _slices(outcomes, scores)
        scores.metrics.update(by_turn(outcomes))
        self._length_control(outcomes, examples, difficulties, judge, scores)
        return Scores({k: v for k, v in scores.metrics.items() if not _is_nan(v)}, scores.warnings, scores.refused)

    def _win_rate(self, outcomes: Sequence[Outcome], strata: Mapping[int, str]) -> WinRate:
        """Return the win rate as the subset's strata and the judge's orders ask for."""
        from alpacabench.scoring.design import slot_balanced, stratified
        from alpacabench.scoring.win_rate import judge_confident_share, score_win_rate

        rate = score_win_rate([_nan(outcome.preference) for outcome in outcomes], self.bootstrap)
        verdicts = [_nan(v.preference) for o in outcomes for v in o.verdicts]
        rate = replace(rate, judge_confident_share=judge_confident_share(verdicts))
        if strata:
            known = [o for o in outcomes if o.preference is not None]
            rate = stratified(rate, [_nan(o.preference) for o in known], [strata[o.example.index] for o in known])
        if _n_one_order(outcomes):
            rate = slot_balanced(rate, *([_slot_preference(o, first) for o in outcomes] for first in (True, False)))
        return rate

    def _length_control(
        self,
        outcomes: Sequence[Outcome],
        examples: Sequence[Example],
        difficulties: Difficulties,
        judge: str,
        scores: Scores,
    ) -> None:
        from alpacabench.scoring.length_control import length_controlled, length_controlled_noreg
        from alpacabench.scoring.official import length_controlled_official
        from alpacabench.scoring.pairs import Refusal

        pairs, reference = _pairs(outcomes), _reference(outcomes)
        regularised = length_controlled(pairs, difficulties.table, judge, reference)
        results: list[Any] = [regularised]
        if isinstance(regularised, Refusal):
            results.append(length_controlled_noreg(pairs, difficulties.table))
        else:
            results.append(length_controlled_official(pairs, difficulties.table, judge, reference))
            scores.warnings.extend(cautions.of_run(cautions.OfRun(whole=len(examples), scored=len(pairs))))
        if difficulties.table is not None and len(outcomes) < len(examples):
            results.append(_filled(outcomes, examples, difficulties.table))
        for result in results:
            if isinstance(result, Refusal):
                scores.refused[result.metric] = difficulties.reason if result.needs_table else result.reason
                continue
            scores.metrics.update(result.metrics())
            scores.warnings.extend(getattr(result, "warnings", ()))


def _of_answers(outcomes: Sequence[Outcome]) -> Scores:
    """Return what there is without a judge: figures of the answers alone."""
    scores = Scores({"n_failed": sum(o.output is None for o in outcomes), "truncated_share": _truncated(outcomes)})
    _screens(outcomes, scores)
    return Scores({k: v for k, v in scores.metrics.items() if not _is_nan(v)}, scores.warnings)


def _truncated(outcomes: Sequence[Outcome]) -> float:
    return _mean([g.finish_reason == "length" for o in outcomes for g in o.generations])


def _pairs(outcomes: Sequence[Outcome]) -> Pairs:
    from alpacabench.scoring.pairs import Pairs

    answered = [o for o in outcomes if o.output is not None and o.example.reference is not None]
    return Pairs.of(
        [o.example.instruction for o in answered],
        [_nan(o.preference) for o in answered],
        [answer_length(o) for o in answered],
        [reference_length(o) for o in answered],
    )


def _filled(outcomes: Sequence[Outcome], examples: Sequence[Example], table: DifficultyTable) -> Any:
    from alpacabench.scoring.fill import fill_win_rate

    judged = {o.example.index: o.preference for o in outcomes}
    return fill_win_rate(
        [_nan(judged.get(e.index)) for e in examples], [table.difficulty[e.instruction] for e in examples]
    )


def _reference(outcomes: Sequence[Outcome]) -> str:
    names = {outcome.example.reference_generator for outcome in outcomes}
    return names.pop() if len(names) == 1 else "mixed"


def _bounds(outcomes: Sequence[Outcome], scores: Scores) -> None:
    """Add what the win rate would be if every missing verdict were a loss, and if every one were a win."""
    from alpacabench.scoring.win_rate import missing_bounds

    if bounds := missing_bounds([_nan(outcome.preference) for outcome in outcomes]):
        scores.metrics["win_rate_bound_low"], scores.metrics["win_rate_bound_high"] = bounds


def _n_one_order(outcomes: Sequence[Outcome]) -> int:
    """Return how many prompts have a verdict in one order only, where others have both."""
    orders = [{v.model_first for v in o.verdicts if v.preference is not None} for o in outcomes]
    return sum(len(found) == 1 for found in orders) if any(len(found) == 2 for found in orders) else 0


def _slots(outcomes: Sequence[Outcome], scores: Scores) -> None:
    """Add what the slot does: with `judge.order=both` from the prompts that have a verdict in both, paired."""
    from alpacabench.scoring.win_rate import score_both_orders, score_slots

    first = [_slot_preference(outcome, True) for outcome in outcomes]
    second = [_slot_preference(outcome, False) for outcome in outcomes]
    if any(not _is_nan(a) and not _is_nan(b) for a, b in zip(first, second, strict=True)):
        slots, consistency = score_both_orders(first, second)
        scores.metrics["order_consistency"] = consistency
        scores.metrics["n_one_order"] = gaps = _n_one_order(outcomes)
        scores.warnings.extend(cautions.of_run(cautions.OfRun(len(outcomes), gaps)))
    else:
        shown_first = [not _is_nan(a) for a in first]
        slots = score_slots([b if _is_nan(a) else a for a, b in zip(first, second, strict=True)], shown_first)
    scores.metrics.update(asdict(slots))


def _slot_preference(outcome: Outcome, model_first: bool) -> float:
    known = [v.preference for v in outcome.verdicts if v.preference is not None and v.model_first == model_first]
    return _mean(known)


def _screens(outcomes: Sequence[Outcome], scores: Scores) -> None:
    """Add what the answers look like; a crossed threshold is a warning."""
    from alpacabench.scoring.screens import screen

    answered = [(o, o.output) for o in outcomes if o.output is not None]
    if not answered:
        return
    found = screen(
        [o.example.instruction for o, _ in answered],
        [output for _, output in answered],
        [o.example.reference for o, _ in answered],
    )
    values = asdict(found)
    scores.warnings.extend(values.pop("flags"))
    scores.metrics.update(values)
    dialogues = any(o.example.turns for o, _ in answered)
    length = _mean([answer_length(o) for o, _ in answered]) if dialogues else found.avg_length
    # alpaca_eval prints whole characters, rounded down.
    scores.metrics["avg_length"] = int(length)


def _slices(outcomes: Sequence[Outcome], scores: Scores) -> None:
    """Add the win rate of each source and category that is large enough."""
    slices: dict[str, list[float]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.preference is not None:
            for label in {outcome.example.source, outcome.example.category} - {""}:
                slices[label].append(outcome.preference)
    large = {label: preferences for label, preferences in slices.items() if len(preferences) >= MIN_SLICE}
    for label, name in slice_names("win_rate", large).items():
        scores.metrics[name] = (_mean(large[label]) - 1) * 100


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _nan(value: float | None) -> float:
    return math.nan if value is None else value


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
