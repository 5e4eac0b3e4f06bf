"""A run that has just ended, as its files will tell it, without reading them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alpacabench.analysis.finished_run import FinishedRun, given_name, item_of, judge_models, only
from alpacabench.core.records import Outcome
from alpacabench.io.run_files import annotation_rows


def of_outcomes(origin: str, outcomes: Sequence[Outcome], judge: str, config: Mapping[str, Any]) -> FinishedRun:
    """Return what is examined of a run's judges: its prompts, its names and the models behind them.

    Args:
        origin: the run's directory.
        outcomes: its prompts with their verdicts.
        judge: the judge's label.
        config: its configuration.

    Raises:
        DataError: its references have several generators.

    """
    rows = enumerate(annotation_rows(outcomes, judge), start=1)
    writers = ({"generator_2": g.generator} for outcome in outcomes for g in outcome.generations[:1])
    references = ({"generator_1": outcome.example.reference_generator} for outcome in outcomes)
    return FinishedRun(
        name=given_name(config) or only(writers, "generator_2", origin) or origin,
        origin=origin,
        judge=judge or "unknown",
        reference=only(references, "generator_1", origin) or "unknown",
        items={row["instruction"]: item_of(number, row, origin, {}, {}) for number, row in rows},
        judge_models=judge_models(config["judge"]),
        model_path=str(config["model"].get("path") or ""),
    )
