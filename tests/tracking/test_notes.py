"""What MLflow says above runs and sweeps, and the address of its comparison of a sweep's jobs."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs

from alpacabench.tracking.links import comparison
from tests.helpers.command import run
from tests.helpers.tracking_data import run_of

NOTE = "mlflow.note.content"


def test_a_sweep_and_its_jobs_say_what_was_found_and_where_to_read_on(tmp_path: Path, database: str) -> None:
    outcome = run(
        tmp_path, "-m", "model=echo", "subset=head", "subset.n=4", "tracking.experiment=notes",
        "decoding=sampling", "judge=longest", "seed=0,1", f"tracking.uri={database}", f"hydra.sweep.dir={tmp_path}/s",
    )  # fmt: skip
    assert outcome.code == 0, outcome.text
    runs = run_of(database, "notes")
    (parent,) = [found for found in runs if "mlflow.parentRunId" not in found.data.tags]
    jobs = [found for found in runs if found is not parent]
    note = parent.data.tags[NOTE]
    assert note.startswith("**") and "Base: " in note and f"{tmp_path}/s/sweep.html" in note
    printed = next(word for word in outcome.stdout.split() if "/#/compare-runs?" in word)
    query = parse_qs(printed.partition("?")[2])
    assert set(json.loads(query["runs"][0])) == {job.info.run_id for job in jobs}
    assert json.loads(query["experiments"][0]) == [parent.info.experiment_id]
    assert f"({printed})" in note
    assert printed.replace("&", "&amp;") in (tmp_path / "s" / "sweep.html").read_text(encoding="utf-8")
    for job in jobs:
        said = job.data.tags[NOTE]
        assert "win rate" in said and "95% interval" in said and "report.html" in said
    pages = [(tmp_path / "s" / number / "report.html").read_text(encoding="utf-8") for number in "01"]
    assert {job.info.run_id for job in jobs} == {
        job.info.run_id for job in jobs for page in pages if f"/runs/{job.info.run_id}" in page
    }


def test_a_servers_link_is_its_own_and_has_no_password() -> None:
    assert str(comparison("http://me:secret@there:1/", "3", ["a", "b"])).startswith("http://there:1/#/compare-runs?")
    assert comparison("http://there:1", "3", ["a"]) is None and comparison("databricks", "3", ["a", "b"]) is None
    assert len(str(comparison("sqlite:///x", "3", ["a" * 32] * 500))) < 5000
