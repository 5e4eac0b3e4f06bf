"""Runs whose models computed in other numbers: dtype, quantisation, backend or device, and what that alone does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from alpacabench.analysis.estimate import Estimate
from alpacabench.analysis.finished_run import FinishedRun
from alpacabench.analysis.sentences.numerics import Alone, Mixed

if TYPE_CHECKING:
    from alpacabench.analysis.sweep.scored import ScoredSweep

LOCAL = ("model.hf.HuggingFace", "model.vllm.Vllm")
"""Backends that compute in numbers that the user chooses; a server's are not known."""
NUMBERS = ("dtype", "quantization", "device")
HOW_IT_RUNS = (
    "name", "attention", "allow_pickle", "trust_remote_code", "gpu_memory_utilization", "max_model_len",
)  # fmt: skip
"""What of a model's configuration is neither numerics nor a setting that a study compares."""


def numerics(run: FinishedRun) -> dict[str, str]:
    """Return what the run's model computed in, as configured; empty for a model that is not computed here."""
    target = str(run.model_settings.get("_target_", ""))
    if not target.endswith(LOCAL):
        return {}
    found = {key: str(run.model_settings.get(key) or "the default") for key in NUMBERS}
    return found | {"backend": "vllm" if target.endswith(LOCAL[1]) else "hf"}


def mixed(runs: Sequence[FinishedRun]) -> dict[str, tuple[str, ...]]:
    """Return what differs between the numerics of the runs, with its values in the order of the runs."""
    known = [found for run in runs if (found := numerics(run))]
    values = {key: tuple(dict.fromkeys(one[key] for one in known)) for key in (known[0] if known else ())}
    return {key: found for key, found in values.items() if len(found) > 1}


def of_pair(base: FinishedRun, run: FinishedRun) -> list[Mixed]:
    """Return what two runs differ in, and whether in nothing else; empty where their numerics are the same."""
    found = mixed([base, run])
    return [Mixed(found, of_two=True, only=_alike(base, run))] if found else []


def of_sweep(sweep: ScoredSweep) -> list[Mixed]:
    """Return what the jobs differ in, and what that does between jobs that differ in nothing else."""
    found = mixed([job.run for job in sweep.jobs])
    return [Mixed(found, alone=tuple(_alone(sweep)))] if found else []


def _alone(sweep: ScoredSweep) -> Iterator[Alone]:
    """Yield each change of numerics with its effect: the mean by prompt over the pairs of jobs that show it."""
    import numpy as np

    y = sweep.outcomes() * 100
    pairs: dict[str, list[Any]] = {}
    for (i, one), (j, other) in combinations(enumerate(sweep.jobs), 2):
        before, after = numerics(one.run), numerics(other.run)
        if before and after and before != after and _alike(one.run, other.run):
            changed = [key for key in before if before[key] != after[key]]
            change = ", ".join(f"{key} {after[key]} instead of {before[key]}" for key in changed)
            pairs.setdefault(change, []).append(y[j] - y[i])
    for change, differences in pairs.items():
        if len(differences[0]) > 1:
            yield Alone(change, Estimate.of_differences(np.mean(differences, axis=0)))


def _alike(one: FinishedRun, other: FinishedRun) -> bool:
    """Return whether two runs differ in nothing but their numerics, by what both configurations tell."""
    groups = [(_rest(one.model_settings), _rest(other.model_settings)), (one.study_settings, other.study_settings)]
    return all(a[key] == b[key] for a, b in groups for key in a.keys() & b.keys())


def _rest(model: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in model.items() if key not in ("_target_", *NUMBERS, *HOW_IT_RUNS)}
