"""MLflow's own paired comparison of two runs says what `alpacabench compare` says."""

from __future__ import annotations

import json
import time
from pathlib import Path
from statistics import fmean
from typing import Any

import mlflow
import pytest

from tests.helpers import command
from tests.helpers.finished_runs import alpacabench
from tests.helpers.tracking_data import client, run_of

MODELS = ("gpt-3.5-turbo-1106", "gpt-3.5-turbo-1106_verbose")


def mean_difference(database: str, base: str, run: str) -> float:
    """Return MLflow's mean difference of `preference`; before 3.18, of the traces paired as 3.18 pairs them."""
    if hasattr(mlflow.genai, "compare_evaluations"):
        mlflow.set_tracking_uri(database)
        found = mlflow.genai.compare_evaluations(candidate_run_id=run, baseline_run_id=base)
        assert (len(found.paired_rows), found.unpaired_baseline_trace_ids) == (805, [])
        return float(found.scorers["preference"].diff)
    before, after = (_preferences(database, run_id) for run_id in (base, run))
    assert before.keys() == after.keys()
    return fmean(after[key] - before[key] for key in before)


def _preferences(database: str, run_id: str) -> dict[str, float]:
    run = client(database).get_run(run_id)
    found: dict[str, float] = {}
    token: Any = None
    while True:
        page = client(database).search_traces(
            locations=[run.info.experiment_id], run_id=run_id, max_results=500, page_token=token
        )
        for trace in page:
            (value,) = [a.value for a in trace.info.assessments if a.name == "preference"]
            found[trace.info.tags["mlflow.eval.requestId"]] = value
        if not (token := page.token):
            return found


@pytest.mark.slow
def test_mlflow_finds_the_mean_difference_that_compare_finds(alpaca_data: Path, database: str, tmp_path: Path) -> None:
    for model in MODELS:
        start = time.monotonic()
        outcome = command.run(
            tmp_path, "model=recorded", f"model.path={alpaca_data}/{model}.outputs.json.gz", "judge=recorded",
            f"judge.path={alpaca_data}/{model}.annotations.json.gz", "dataset=alpaca_eval",
            f"dataset.path={alpaca_data}/gpt4_1106_preview.outputs.json.gz", f"tracking.uri={database}",
            "tracking.experiment=published", f"hydra.run.dir={tmp_path}/{model}",
        )  # fmt: skip
        assert outcome.code == 0, outcome.text
        assert time.monotonic() - start < 60, "all 805 are traces within a minute"
    runs = {run.data.params["model.path"].rpartition("/")[2]: run for run in run_of(database, "published")}
    base, other = (runs[f"{model}.outputs.json.gz"] for model in MODELS)
    assert base.data.tags["alpacabench.traces"] == other.data.tags["alpacabench.traces"] == "805"
    compared = alpacabench("compare", tmp_path / MODELS[0], tmp_path / MODELS[1], "--json")
    expected = json.loads(compared.stdout)["metrics"]["delta_wr"]
    assert mean_difference(database, base.info.run_id, other.info.run_id) * 100 == pytest.approx(expected, abs=1e-9)
