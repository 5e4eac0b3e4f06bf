"""`judge=none`: answers without a score, to be judged later; nothing of such a run looks like a result."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from tests.helpers.command import run, succeed
from tests.helpers.tracking_data import client

SMALL = ("model=echo", "subset=head", "subset.n=4")
GONE = {"annotations.json", "verdicts.jsonl", "leaderboard.csv", "judge.json"}


def test_answers_are_written_and_tracked_without_a_score_and_judged_later(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/mlflow.db"
    found = succeed(tmp_path, *SMALL, "judge=none", f"tracking.uri={database}")
    assert (found["n_generated"], found["n_failed"]) == (4, 0) and found["avg_length"] > 0
    scores = [name for name in found if "win" in name or name.startswith(("lc_", "n_judged_", "position", "mde"))]
    assert set(scores) <= {"n_judged_cached"}
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert not names & GONE and {"model_outputs.json", "generations.jsonl", "report.html", "explorer.html"} <= names
    page = (tmp_path / "run" / "report.html").read_text()
    assert "Answers of echo, not judged" in page and "win rate of" not in page
    (tracked,) = client(database).search_runs([client(database).get_experiment_by_name("alpacabench").experiment_id])
    assert tracked.info.status == "FINISHED" and not [name for name in tracked.data.metrics if "win" in name]
    traces = client(database).search_traces(locations=[tracked.info.experiment_id])
    assert len(traces) == 4
    assert {a.name for trace in traces for a in trace.info.assessments} == {"expected_response"}
    judged = ("model=recorded", "model.path=run/model_outputs.json", "model.allow_missing=true", "judge=longest")
    done = run(tmp_path, *judged, "tracking=none", "subset=head", "subset.n=4", "hydra.run.dir=judged")
    assert done.code == 0, done.text
    assert json.loads((tmp_path / "judged" / "metrics.json").read_text())["n_total"] == 4


def test_prompts_need_no_reference_and_what_compares_says_that_nobody_judged(tmp_path: Path) -> None:
    (tmp_path / "prompts.jsonl").write_text('{"instruction": "Only a question?"}\n')
    data = ("dataset=jsonl", "dataset.path=prompts.jsonl", "model=echo", "judge=none", "tracking=none")
    succeed(tmp_path, *data)
    from alpacabench.cli.main import main

    for command in (["compare"], ["gate", "--base"]):
        assert main([command[0], f"{tmp_path}/run", *command[1:], f"{tmp_path}/run"]) == 2


def test_a_sweep_without_a_judge_has_answers_a_table_and_tracked_runs_and_no_score(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/mlflow.db"
    sweep = ("-m", *SMALL, "judge=none", "perturbation=none,typos", f"tracking.uri={database}")
    done = run(tmp_path, *sweep, "objective=avg_length", "hydra.sweep.dir=sweep")
    assert done.code == 0 and "Answers alone: nobody judged them" in done.text, done.text
    assert "win rate" not in done.text
    folder = tmp_path / "sweep"
    with (folder / "sweep.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["perturbation"], row["status"], row["n_answers"]) for row in rows] == [
        ("none", "finished", "4"), ("typos", "finished", "4"),
    ]  # fmt: skip
    assert not any("win" in name for name in rows[0]) and float(rows[0]["avg_length"]) > 0
    page = (folder / "sweep.html").read_text()
    assert "nobody judged" in page and "explorer.html" in page and "Win rate" not in page
    assert (folder / "explorer.html").is_file() and not (folder / "sweep_pairs.csv").exists()
    experiment = client(database).get_experiment_by_name("alpacabench").experiment_id
    tracked = client(database).search_runs([experiment])
    assert len(tracked) == 3 and {one.info.status for one in tracked} == {"FINISHED"}
    assert not [name for one in tracked for name in one.data.metrics if "win" in name or "best" in name]
    again = run(tmp_path, *sweep, "objective=avg_length", "hydra.sweep.dir=sweep")
    assert again.code == 0 and len(client(database).search_runs([experiment])) == 3


def test_what_needs_verdicts_is_refused_by_name_together(tmp_path: Path) -> None:
    asked = ("-m", *SMALL, "tracking=none", "judge=none,longest", "objective=win_rate", "early_stopping.alpha=0.05")
    refused = run(tmp_path, *asked)
    assert refused.code == 2, refused.text
    for said in ("judge: given none beside judges", "objective: given 'win_rate', and nobody judges", "early_stopping"):
        assert said in refused.text
    assert not (tmp_path / "outputs" / "sweeps").exists()
