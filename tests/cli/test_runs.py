"""`alpacabench runs` and the names latest, latest-1, ...; nothing is left of what did not run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from alpacabench.core.errors import DataError
from alpacabench.io.manifest import JobEntry, JobResult, Manifest
from alpacabench.io.outputs import entries, resolve
from tests.helpers.command import ROOT, Outcome, run
from tests.helpers.finished_runs import write_run

SMALL = ("model=echo", "judge=longest", "dataset=demo", "subset=head", "subset.n=3", "tracking=none")
HYDRA = {".hydra/config.yaml": "mine: 1\n", ".hydra/overrides.yaml": "[]\n", "run.log": "a line\n", "notes.txt": "mine"}


def command(directory: Path, *arguments: str) -> Outcome:
    done = subprocess.run(
        [sys.executable, "-m", "alpacabench.cli", *arguments], cwd=directory, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}, timeout=120, check=False,
    )  # fmt: skip
    return Outcome(done.returncode, done.stdout, done.stderr)


def at(folder: Path, second: int) -> Path:
    """Let a run have ended at a second."""
    os.utime(folder / "metrics.json", (second, second))
    return folder


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """One run, a sweep of two jobs and a third that failed, an interrupted run, and MLflow's copy of a run."""
    root = tmp_path / "outputs"
    first = at(write_run(root / "runs" / "first", [1.0, 2.0], generator="gpt-x"), 1_000)
    rows = json.loads((first / "annotations.json").read_text())
    (first / "annotations.json").write_text(json.dumps(rows, indent=2))
    sweep = root / "sweeps" / "s"
    jobs = {n: JobEntry(f"key{n}", {"decoding.temperature": f"0.{n}"}) for n in range(3)}
    for number, entry in jobs.items():
        folder = sweep / str(number)
        if number == 2:
            JobResult.of(number, entry, "failed", "no memory").write(folder, sweep)
        else:
            at(write_run(folder, [2.0, 2.0]), 2_000 + number)
            JobResult.of(number, entry, "finished").write(folder, sweep)
    Manifest("id", "sweep: temperature", None, ["decoding.temperature"], jobs, {}).write(sweep)
    (sweep / "sweep.html").write_text("")
    os.utime(sweep / "sweep.html", (3_000, 3_000))
    (root / "runs" / "broken" / ".hydra").mkdir(parents=True)
    (root / "runs" / "broken" / ".hydra" / "overrides.yaml").write_text("- model=hf\n- hydra.run.dir=x\n")
    write_run(root / "artifacts" / "1" / "copy", [1.0, 1.0])
    return root


def test_runs_are_listed_the_newest_first_with_the_names_that_other_commands_take(outputs: Path) -> None:
    listed = [(one.kind, one.status, one.name, one.label) for one in entries(outputs)]
    assert listed == [
        ("run", "unfinished", "", "model=hf"),
        ("sweep", "failed", "", "sweep: temperature"),
        ("run", "finished", "latest-2", ""),
    ]
    sweep = entries(outputs)[1]
    assert [(job.kind, job.status, job.name, job.label) for job in sweep.jobs] == [
        ("job", "finished", "latest-1", "decoding.temperature=0.0"),
        ("job", "finished", "latest", "decoding.temperature=0.1"),
        ("job", "failed", "", "decoding.temperature=0.2"),
    ]
    assert entries(outputs)[2].model == "gpt-x"
    assert resolve("latest", outputs) == resolve("latest-0", outputs) == str(outputs / "sweeps" / "s" / "1")
    assert resolve("latest-2", outputs) == str(outputs / "runs" / "first")
    with pytest.raises(DataError, match="of 3 finished runs"):
        resolve("latest-3", outputs)


def test_the_command_filters_and_an_empty_list_is_no_mistake(outputs: Path) -> None:
    done = command(outputs.parent, "runs", "--status", "finished", "--kind", "run")
    assert done.code == 0 and done.stdout.index("latest ") < done.stdout.index("latest-1") < done.stdout.index("gpt-x")
    assert "copy" not in done.stdout and "sweep: temperature" not in done.stdout
    found = json.loads(command(outputs.parent, "runs", "TEMPERATURE=0.1", "--json").stdout)
    assert [(one["name"], one["metrics"]["win_rate"]) for one in found] == [("latest", 50.0)]
    assert command(outputs.parent, "runs", "--since", "1h", "gpt-x").stdout.startswith("No runs below outputs")
    for empty in (("runs", "--dir", "nowhere"), ("runs", "no such word")):
        done = command(outputs.parent, *empty)
        assert (done.code, done.stderr) == (0, "") and done.stdout.startswith("No runs below")
    wrong = command(outputs.parent, "runs", "--since", "yesterday")
    assert wrong.code == 2 and "--since: given 'yesterday'" in wrong.stderr and "7d" in wrong.stderr


def test_commands_take_latest_where_they_take_a_run(outputs: Path) -> None:
    done = command(outputs.parent, "compare", "latest-1", "latest", "--json")
    assert done.code == 0, done.text
    sides = json.loads(done.stdout)
    assert sides["base"]["origin"].endswith("s/0") and sides["run"]["origin"].endswith("s/1")
    assert command(outputs.parent, "trust", "latest").code == 0
    assert (outputs / "sweeps" / "s" / "1" / "trust.json").is_file()
    unrecorded = command(outputs.parent, "audit", "latest")
    assert unrecorded.code == 2 and "/s/1 holds no audit.json" in unrecorded.stderr
    missing = command(outputs.parent, "gate", "latest", "--base", "latest-9")
    assert missing.code == 2 and "alpacabench runs" in missing.stderr


@pytest.mark.parametrize("arguments", [("plan=true",), ("subset.n=-1",), ("dataset=jsonl", "dataset.path=none.json")],
                         ids=["plan", "mistake", "no-data"])  # fmt: skip
@pytest.mark.parametrize("sweep", [False, True], ids=["run", "sweep"])
def test_what_does_not_run_leaves_nothing(arguments: tuple[str, ...], sweep: bool, tmp_path: Path) -> None:
    flags = ("-m", "seed=0,1") if sweep else ()
    done = run(tmp_path, *flags, *SMALL, *arguments)
    assert done.code == (0 if arguments == ("plan=true",) else 2), done.text
    left = {path.name for path in tmp_path.rglob("*")}
    assert left <= {"outputs", "store.db"}, left


def test_of_a_directory_that_stood_before_nothing_is_changed(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    (mine / ".hydra").mkdir(parents=True)
    for name, text in HYDRA.items():
        (mine / name).write_text(text)
    empty = tmp_path / "empty"
    empty.mkdir()
    for wrong in ("plan=true", "subset.n=-1"):
        run(tmp_path, *SMALL, wrong, "hydra.run.dir=mine")
        run(tmp_path, *SMALL, wrong, "hydra.run.dir=empty")
    left = {str(path.relative_to(mine)): path.read_text() for path in mine.rglob("*") if path.is_file()}
    assert left.pop("run.log").startswith(HYDRA["run.log"])
    assert left == {name: text for name, text in HYDRA.items() if name != "run.log"}
    assert empty.is_dir() and not list(empty.iterdir())
