"""`judge=none`: answers without a score, to be judged later; nothing of such a run looks like a result."""

from __future__ import annotations

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
    refused = run(tmp_path, "-m", *data, "seed=0,1")
    assert refused.code == 2 and "judge: given none in a sweep" in refused.text
    from alpacabench.cli.main import main

    for command in (["compare"], ["gate", "--base"]):
        assert main([command[0], f"{tmp_path}/run", *command[1:], f"{tmp_path}/run"]) == 2
