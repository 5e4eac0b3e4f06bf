"""Whatever Hydra's directories are, there is one store, one budget, and only files of ours are sent and removed."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from tests.helpers.command import run

SMALL = ("model=echo", "judge=longest", "dataset=demo", "subset=head", "subset.n=3")
OURS = {
    "annotations.json", "audit.json", "config.yaml", "examples.json", "explorer.html", "generations.jsonl",
    "judge.json", "judge_trust.json", "leaderboard.csv", "metrics.json", "model_outputs.json", "report.html",
    "run.log", "verdicts.jsonl",
}  # fmt: skip


def test_in_the_working_directory_only_our_own_files_are_sent_and_a_plan_removes_nothing(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("private")
    (tmp_path / "payroll.csv").write_text("id,salary")
    assert run(tmp_path, *SMALL, "hydra.run.dir=.").code == 0
    artifacts = [path for path in (tmp_path / "outputs" / "artifacts").rglob("*") if path.is_file()]
    assert {path.name for path in artifacts} == OURS
    assert not {path.name for path in artifacts if stat.S_IMODE(path.stat().st_mode) & 0o077}
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run(empty, *SMALL, "hydra.run.dir=.", "plan=true", "tracking=none").code == 0
    assert empty.is_dir()


def test_with_chdir_relative_paths_and_the_store_stay_those_of_the_caller(tmp_path: Path) -> None:
    rows = [{"instruction": f"Prompt {i}?", "output": "A reference."} for i in range(3)]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    data = ("model=echo", "judge=longest", "dataset=jsonl", "dataset.path=rows.json", "tracking=none")
    done = run(tmp_path, "-m", *data, "seed=0,1", "hydra.job.chdir=true", "hydra.sweep.dir=s")
    assert done.code == 0, done.text
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("store.db")] == [Path("outputs/store.db")]
    assert (tmp_path / "s" / "1" / "report.html").is_file()
    asked = json.loads((tmp_path / "s" / "1" / "metrics.json").read_text())
    assert asked["n_generated"] + asked["n_generated_cached"] == 3


def test_a_subdirectory_of_overrides_with_paths_is_found_again(tmp_path: Path) -> None:
    rows = [{"instruction": f"Prompt {i}?", "output": "A reference."} for i in range(3)]
    for name in "ab":
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
    done = run(
        tmp_path, "-m", "model=echo", "judge=longest", "dataset=jsonl", "tracking=none", "hydra.sweep.dir=s",
        f"dataset.path={tmp_path}/a.json,{tmp_path}/b.json", "hydra.sweep.subdir=${hydra.job.override_dirname}",
    )  # fmt: skip
    assert done.code == 0 and "died" not in done.text, done.text


@pytest.mark.parametrize("sweep", [(), ("-m", "seed=0,1")])
def test_a_directory_that_cannot_be_written_is_one_message(tmp_path: Path, sweep: tuple[str, ...]) -> None:
    (tmp_path / "outputs").write_text("a file where the directory should be")
    done = run(tmp_path, *sweep, *SMALL, "tracking=none")
    assert done.code == 2 and "Traceback" not in done.text, done.text
    key = "hydra.sweep.dir" if sweep else "hydra.run.dir"
    assert f"{key}: " in done.stderr and "cannot be written" in done.stderr and "store.url" in done.stderr
    assert str(tmp_path / "outputs") in done.stderr or "outputs" + os.sep in done.stderr
