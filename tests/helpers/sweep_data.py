"""Finished jobs of a sweep, made up in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from alpacabench.analysis.finished_run import FinishedRun, Item
from alpacabench.analysis.sweep.scored import ScoredJob, ScoredSweep
from alpacabench.io.manifest import JobResult, label


def scored(jobs: Sequence[tuple[Mapping[str, str], Sequence[float]]], directory: Path = Path()) -> ScoredSweep:
    """Return a sweep of jobs, each given by what varies and by its preferences in [1, 2]."""
    found = [_job(number, params, preferences, directory) for number, (params, preferences) in enumerate(jobs)]
    return ScoredSweep(tuple(found), tuple(found[0].run.items), ())


def _job(number: int, params: Mapping[str, str], preferences: Sequence[float], directory: Path) -> ScoredJob:
    texts = [f"Question {row:04d}" for row in range(len(preferences))]
    items = {text: Item(row, text, float(p)) for row, (text, p) in enumerate(zip(texts, preferences, strict=True))}
    result = JobResult(number, label(params), f"{number:064d}", params, "finished")
    metrics = {"win_rate": (sum(preferences) / len(preferences) - 1) * 100, "n_total": len(preferences)}
    run = FinishedRun(result.name, result.name, "judge", "reference", items, metrics)
    return ScoredJob(result, directory / str(number), run)
