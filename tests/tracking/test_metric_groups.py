"""Secondary figures have a prefix in MLflow, and every one of them is a figure of ours."""

from __future__ import annotations

from pathlib import Path

from alpacabench.scoring.foreseen import every_unit
from alpacabench.tracking.metric_groups import GROUPS, grouped
from alpacabench.tracking.mlflow import Mlflow
from tests.helpers.tracking_data import job, run_of


def test_win_rates_and_counts_keep_their_places_and_every_grouped_name_is_a_figure() -> None:
    known = every_unit()
    assert {name for names in GROUPS.values() for name in names} <= known.keys()
    plain = {name for name in grouped(dict.fromkeys(known, 0.0)) if "/" not in name}
    assert {"win_rate", "length_controlled_winrate", "lc_ci_low", "n_total", "n_failed", "cost_usd"} <= plain
    assert not {name for name in plain if "seconds" in name or "tokens" in name or "length" in name.split("_")[-1:]}


def test_mlflow_has_the_prefix_and_the_files_have_the_plain_name(tmp_path: Path, database: str) -> None:
    figures = {"avg_length": 700.0, "win_rate": 50.0, "cost_usd": 0.5, "n_judged": 8.0, "generate_seconds": 2.0}
    tracking = Mlflow(experiment="grouped", uri=database, traces=0)
    tracking.finish(tracking.start(job(tmp_path)), job(tmp_path, metrics=figures))
    (run,) = run_of(database, "grouped")
    found = {name: value for name, value in run.data.metrics.items() if not name.startswith("system/")}
    assert found == {
        "win_rate": 50.0, "cost_usd": 0.5, "screen/avg_length": 700.0, "cost/n_judged": 8.0,
        "time/generate_seconds": 2.0,
    }  # fmt: skip
