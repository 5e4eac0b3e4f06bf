"""The same sweep, database or parent twice: continued in another order, or at the same moment by two commands."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from alpacabench.core.errors import ConfigError
from alpacabench.io.manifest import SweepLink
from alpacabench.tracking import spool
from alpacabench.tracking.base import JobRecord
from alpacabench.tracking.mlflow import Mlflow
from tests.helpers.command import ROOT, run
from tests.helpers.tracking_data import client, job, run_of

SWEEP = ("-m", "model=echo", "judge=longest", "dataset=demo", "subset=head", "subset.n=4", "decoding.seed=4,5,6,7")


@pytest.fixture(autouse=True)
def in_own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_failed_sweep_is_continued_with_its_axes_in_another_order(tmp_path: Path, database: str) -> None:
    tracking, link = Mlflow(experiment="order", uri=database), SweepLink("5" * 64)
    first = JobRecord("sweep", "5" * 64, tmp_path, link, params={"decoding.seed": "4,5"}, failure="1 of 2 jobs failed")
    tracking.close_sweep(tracking.open_sweep(first, ["1"])[0], first)
    again = replace(first, params={"decoding.seed": "5,4", "judge": "longest"}, failure=None)
    tracking.close_sweep(tracking.open_sweep(again, ["1"])[0], again)
    (parent,) = run_of(database, "order")
    assert parent.info.status == "FINISHED" and not spool.spool_directory().exists()
    assert parent.data.params == {"decoding.seed": "4,5", "judge": "longest"}


def test_a_job_that_another_process_is_at_is_left_to_it(tmp_path: Path, database: str, other_process: str) -> None:
    tracking, record = Mlflow(experiment="busy", uri=database), JobRecord("sweep", "6" * 64, tmp_path)
    parent, known = tracking.open_sweep(replace(record, sweep=SweepLink("6" * 64)), ["1"])
    child = job(tmp_path, sweep=SweepLink("6" * 64, job="1", parent_run_id=parent.run_id))
    assert known == {}, "both commands have opened the sweep before the first job starts"
    first = tracking.start(child)
    assert tracking.start(child) == first, "our own is continued"
    client(database).set_tag(first.run_id, "alpacabench.owner", other_process)
    second = tracking.start(child)
    assert (second.run_id, second.finished, second.traced) == (first.run_id, True, True)
    tracking.finish(second, child)
    (left,) = [run for run in run_of(database, "busy") if run.info.run_id != parent.run_id]
    assert left.info.status == "RUNNING" and left.data.metrics == {}
    client(database).set_terminated(first.run_id)
    assert tracking.start(child) == replace(first, finished=True)


def test_a_parent_that_does_not_exist_is_refused_at_the_start(tmp_path: Path, database: str) -> None:
    tracking = Mlflow(experiment="parents", uri=database, parent="abc")
    with pytest.raises(ConfigError, match="tracking.parent: given 'abc', and there is no such run"):
        tracking.start(job(tmp_path, parent="abc"))
    with pytest.raises(ConfigError, match="tracking.parent: given '_'"):
        tracking.open_sweep(JobRecord("sweep", "7" * 64, tmp_path, SweepLink("7" * 64), parent="_"), [])
    assert run_of(database, "parents") == []
    training = tracking.start(job(tmp_path))
    tracking.start(job(tmp_path, identity="8" * 64, parent=training.run_id))
    assert len(run_of(database, "parents")) == 2


@pytest.mark.slow
def test_a_new_database_is_opened_by_several_processes_at_once(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/new/mlflow.db"
    script = f"from alpacabench.tracking.client import connect; connect({database!r}).search_experiments()"
    command = [sys.executable, "-c", script]
    started = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    ends = [(process.communicate()[1], process.returncode) for process in started]
    assert [code for _, code in ends] == [0, 0, 0], ends


@pytest.mark.slow
def test_the_same_sweep_started_twice_at_once_has_every_run_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as threads:
        for done in threads.map(lambda _: run(tmp_path, *SWEEP, env=dict(os.environ)), range(2)):
            assert done.code == 0, done.text
    database = f"sqlite:///{tmp_path}/outputs/mlflow.db"
    runs = run_of(database, "alpacabench")
    assert len(runs) == 5 and {found.info.status for found in runs} == {"FINISHED"}
    jobs = [found.data.tags["alpacabench.job"] for found in runs if "alpacabench.job" in found.data.tags]
    assert len(set(jobs)) == 4 and not (tmp_path / "outputs" / "spool").exists()
