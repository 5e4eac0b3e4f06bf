"""The real `python run.py -m`: one parent, one child per job, resumed after a failure or a kill, nothing twice."""

from __future__ import annotations

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers.command import ROOT, run
from tests.helpers.sweep_command import BASE, FLAKY, children, newest_sweep, runs

GRID = (*BASE, "decoding=greedy,sampling", "seed=0,1")


def _rows(directory: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((newest_sweep(directory) / "sweep.csv").open()))


def test_a_sweep_has_one_parent_and_the_same_sweep_in_another_order_adds_no_run(tmp_path: Path) -> None:
    first = run(tmp_path, *GRID)
    assert first.code == 0, first.text
    assert "alpacabench ui, then http://127.0.0.1:5000/#/compare-runs" in first.stdout and "sweep.html" in first.stdout
    parents, others = runs(tmp_path)
    assert len(parents) == 1 and len(children(parents[0], others)) == len(others) == 4
    assert {r.info.status for r in (*parents, *others)} == {"FINISHED"}
    assert {(r.data.params["decoding"], r.data.params["seed"]) for r in others} == {
        (d, s) for d in ("greedy", "sampling") for s in ("0", "1")
    }
    assert parents[0].data.metrics["n_jobs"] == 4 and parents[0].data.metrics["cost/n_judged"] > 0
    assert all(r.data.tags["mlflow.runType"] == "genai_evaluate" for r in (*parents, *others))
    assert all(r.inputs.dataset_inputs[0].dataset.name == "alpacabench_demo" for r in others)
    assert {r.data.tags["alpacabench.traces"] for r in others} == {"8"}
    held = _rows(tmp_path)
    second = run(tmp_path, "-m", "seed=1,0", "decoding=sampling,greedy", *BASE[1:])
    assert second.code == 0 and "finished already" in second.text
    assert [r.to_dictionary() for r in runs(tmp_path)[1]] == [r.to_dictionary() for r in others]
    again = {(row["decoding"], row["seed"]): row["win_rate"] for row in _rows(tmp_path)}
    assert again == {(row["decoding"], row["seed"]): row["win_rate"] for row in held}


def test_a_failed_job_leaves_the_others_alone_and_the_same_command_finishes_it(tmp_path: Path) -> None:
    grid = (*BASE, FLAKY, "decoding=sampling", "seed=0,1,2")
    broken = run(tmp_path, *grid, env={"FAIL_SEEDS": "1", "MY_API_KEY": "sk-very-secret"})
    assert broken.code == 1
    assert "the model broke at seed 1" in broken.stderr and "Traceback" not in broken.text
    parents, others = runs(tmp_path)
    assert parents[0].info.status == "FAILED" and "seed=1" in parents[0].data.tags["failure"]
    assert sorted((r.data.params["seed"], r.info.status) for r in others) == [
        ("0", "FINISHED"), ("1", "FAILED"), ("2", "FINISHED")
    ]  # fmt: skip
    assert [row["status"] for row in _rows(tmp_path)] == ["finished", "failed", "finished"]
    assert not _holding(tmp_path, b"sk-very-secret")
    mended = run(tmp_path, *grid)
    assert mended.code == 0, mended.text
    again, finished = runs(tmp_path)
    assert [r.info.run_id for r in again] == [r.info.run_id for r in parents]
    assert {r.info.run_id for r in finished} == {r.info.run_id for r in others}
    assert {r.info.status for r in (*again, *finished)} == {"FINISHED"}
    assert not any("failure" in r.data.tags for r in (*again, *finished))


def _holding(directory: Path, secret: bytes) -> list[Path]:
    return [p for p in (directory / "outputs").rglob("*") if p.is_file() and secret in p.read_bytes()]


def test_fail_fast_starts_no_further_job(tmp_path: Path) -> None:
    ended = run(tmp_path, *BASE, FLAKY, "decoding=sampling", "seed=0,1,2,3", "fail_fast=true", env={"FAIL_SEEDS": "1"})
    assert ended.code == 1
    assert [row["status"] for row in _rows(tmp_path)] == ["finished", "failed", "skipped", "skipped"]
    assert len(runs(tmp_path)[1]) == 2


@pytest.mark.slow
@pytest.mark.parametrize("launcher", [(), ("hydra/launcher=processes", "hydra.launcher.n_jobs=4")])
def test_after_kill_9_the_same_command_continues_without_orphans_or_doubles(
    tmp_path: Path, launcher: tuple[str, ...]
) -> None:
    seeds = ",".join(str(seed) for seed in range(12))
    command = (*BASE, FLAKY, f"seed={seeds}", "decoding=sampling", "decoding.temperature=0.5,0.9", *launcher)
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "run.py"), *command],
        cwd=tmp_path, env=os.environ | {"SLOW_SECONDS": "0.2"}, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and len(list(tmp_path.glob("outputs/sweeps/*/*/job.json"))) < 5:
        time.sleep(0.2)
    time.sleep(1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    parents, before = runs(tmp_path)
    assert [r.info.status for r in parents] == ["RUNNING"] and 5 <= len(before) < 24
    assert run(tmp_path, *command, timeout=600).code == 0
    again, after = runs(tmp_path)
    assert [r.info.run_id for r in again] == [parents[0].info.run_id]
    assert len(after) == len(children(again[0], after)) == 24
    assert {r.info.status for r in (*again, *after)} == {"FINISHED"}
    assert {r.info.run_id for r in before} <= {r.info.run_id for r in after}
    assert {r.data.tags.get("alpacabench.traces") for r in after} == {"8"}


def test_every_mistake_of_every_job_is_told_before_the_first_job(tmp_path: Path) -> None:
    wrong = run(tmp_path, *BASE, "decoding.temperature=0,-1", "subset.n=5,5000", "subset.seed=x")
    assert wrong.code == 2
    assert "decoding.temperature" in wrong.stderr and "subset.seed" in wrong.stderr and "job 3" in wrong.stderr
    assert "Traceback" not in wrong.text and not list(tmp_path.glob("outputs/sweeps/*/*"))
    data = run(tmp_path, *BASE, "subset.n=5,5000")
    assert data.code == 2 and "5000" in data.stderr and "96 prompts" in data.stderr


def test_what_belongs_to_the_sweep_is_not_swept(tmp_path: Path) -> None:
    wrong = run(tmp_path, *BASE, "tracking=none,mlflow", "plan=false,true", "subset.n=4")
    assert wrong.code == 2 and "tracking: takes several values" in wrong.stderr and "plan: takes" in wrong.stderr


def test_a_base_that_is_no_job_is_refused_and_one_that_is_names_the_differences(tmp_path: Path) -> None:
    wrong = run(tmp_path, *BASE, "tracking=none", "seed=0,1", "report.base=7")
    assert wrong.code == 2 and "report.base" in wrong.stderr and "1 (seed=1)" in wrong.stderr
    right = run(tmp_path, *BASE, "tracking=none", "seed=0,1", "report.base='seed=1'")
    assert right.code == 0, right.text
    assert [row["base"] for row in _rows(tmp_path)] == ["False", "True"]


def test_another_base_of_a_finished_sweep_changes_its_page_in_mlflow_and_adds_no_run(tmp_path: Path) -> None:
    grid = (*BASE, "seed=0,1", "decoding=sampling")
    assert run(tmp_path, *grid).code == 0
    (before,), others = runs(tmp_path)
    logged = Path(before.info.artifact_uri.removeprefix("file://")) / "sweep.csv"
    bases = [[row["base"] for row in csv.DictReader(logged.open())]]
    again = run(tmp_path, *grid, "report.base=1")
    assert again.code == 0 and "finished already" in again.text, again.text
    bases.append([row["base"] for row in csv.DictReader(logged.open())])
    assert bases == [["True", "False"], ["False", "True"]]
    (after,), same = runs(tmp_path)
    assert [r.info.run_id for r in (after, *same)] == [r.info.run_id for r in (before, *others)]
    assert (before.data.tags["alpacabench.base"], after.data.tags["alpacabench.base"]) == ("seed=0", "seed=1")
    assert after.data.metrics["cost/n_judged"] == before.data.metrics["cost/n_judged"] > 0


def test_the_plan_of_a_sweep_runs_nothing(tmp_path: Path) -> None:
    planned = run(tmp_path, *BASE, "seed=0,1", "plan=true")
    assert planned.code == 0 and "2 jobs" in planned.stdout
    assert "seed 0" in planned.stdout and "Model loads: 0" in planned.stdout and "unknown" in planned.stdout
    assert run(tmp_path, *BASE, "seed=0,1", "plan=true", "report.base=7").code == 2
    assert not (tmp_path / "outputs" / "mlflow.db").exists() and not list(tmp_path.glob("outputs/sweeps/*/*"))


def test_after_a_run_the_plan_knows_the_time_and_what_each_job_adds(tmp_path: Path) -> None:
    assert run(tmp_path, *BASE, "tracking=none", "seed=0,1", "subset.n=4").code == 0
    planned = run(tmp_path, *BASE, "perturbation=none,typos", "subset.n=4", "plan=true")
    assert "unknown" not in planned.stdout and " s " in planned.stdout
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in planned.stdout.splitlines() if "│" in line]
    assert ["no perturbation", "0", "4", "0", "4"] in rows and ["typos", "4", "0", "4", "0"] in rows


def test_a_directory_that_another_sweep_used_is_begun_anew(tmp_path: Path) -> None:
    common = (*BASE, "tracking=none", "subset.n=4", "hydra.sweep.dir=fixed")
    (tmp_path / "answers.json").write_text("[]")
    broken = run(tmp_path, *common, "fail_fast=true", "model=recorded", "model.path=answers.json", "seed=0,1,2")
    assert broken.code == 1 and (tmp_path / "fixed" / "stopped").exists()
    mended = run(tmp_path, *common, "fail_fast=true", "seed=0,1")
    assert mended.code == 0, mended.text
    with (tmp_path / "fixed" / "sweep.csv").open() as file:
        assert [row["status"] for row in csv.DictReader(file)] == ["finished", "finished"]
    nested = run(tmp_path, *common, "seed=0,1", "hydra.sweep.subdir='a/${hydra.job.num}'")
    assert nested.code == 0 and (tmp_path / "fixed" / "a" / "1" / "report.html").is_file()
    same = run(tmp_path, *common, "seed=0,1", "hydra.sweep.subdir=one")
    assert same.code == 2 and "hydra.sweep.subdir: gives the jobs 0 and 1 the same directory" in same.stderr


def test_a_job_without_any_score_has_no_result_and_the_sweep_comes_to_its_end(tmp_path: Path) -> None:
    prompts = [{"instruction": f"Prompt {i}?", "output": "A reference."} for i in range(4)]
    (tmp_path / "rows.json").write_text(json.dumps(prompts))
    for name, text in (("a", "An answer that is longer."), ("b", None)):
        rows = [{"instruction": row["instruction"], "output": text, "generator": name} for row in prompts]
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
    outcome = run(
        tmp_path, "-m", "dataset=jsonl", "dataset.path=rows.json", "model=recorded", "model.allow_missing=true",
        "model.path=a.json,b.json", "judge=longest",
    )  # fmt: skip
    assert outcome.code == 1 and "Traceback" not in outcome.text, outcome.text
    assert "no other result to compare it with" in outcome.stdout and "no prompt has a verdict" in outcome.text
    parents, _ = runs(tmp_path)
    assert [r.info.status for r in parents] == ["FAILED"]


def test_a_sweep_in_which_every_job_fails_still_ends_with_its_table(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text('[{"instruction": "Hi?", "output": "Hello."}]')
    dead = "judge.base_url=http://127.0.0.1:9/v1,http://127.0.0.1:9/v2"
    judge = "judge=weighted_alpaca_eval_gpt4_turbo"
    outcome = run(tmp_path, "-m", "dataset=jsonl", "dataset.path=one.json", "model=echo", judge, dead)
    assert outcome.code == 1
    assert "Traceback" not in outcome.text
    assert "2 of 2 jobs failed" in outcome.text
    assert "http://127.0.0.1:9/v1 gives no answer" in outcome.text
    connection = sqlite3.connect(tmp_path / "outputs" / "mlflow.db")
    assert {status for (status,) in connection.execute("select status from runs")} == {"FAILED"}
    values = {value for (value,) in connection.execute("select value from params where key = 'judge.base_url'")}
    assert {"http://127.0.0.1:9/v1", "http://127.0.0.1:9/v2"} <= values
    assert not [value for value in values if "\\" in value]
