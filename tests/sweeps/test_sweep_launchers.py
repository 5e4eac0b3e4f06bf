"""The demo's sweep on Slurm and on Ray: what a sweep in one process finds, under one parent."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.command import run
from tests.helpers.slurm import slurm
from tests.helpers.sweep_command import children, newest_sweep, runs

pytestmark = pytest.mark.cluster
DEMO = ("experiment=demo", "model=echo", "judge=longest")
TIMED = ("seconds", "seconds_per_answer")
FILES = ("model_outputs.json", "annotations.json", "generations.jsonl", "verdicts.jsonl")


def _results(directory: Path) -> tuple[list[dict[str, str]], list[bytes]]:
    sweep = newest_sweep(directory)
    rows = list(csv.DictReader((sweep / "sweep.csv").open()))
    table = [{key: value for key, value in row.items() if key not in TIMED} for row in rows]
    return table, [(sweep / row["job"] / name).read_bytes() for row in rows for name in FILES]


def _same_as_in_one_process(tmp_path: Path, *launcher: str, env: dict[str, str] | None = None) -> None:
    """Run the sweep here and there, each with a store and a database of its own; then there once more."""
    here, there = tmp_path / "here", tmp_path / "there"
    for directory in (here, there):
        directory.mkdir()
    alone = run(here, *DEMO, timeout=1800)
    assert alone.code == 0, alone.text
    launched = run(there, *DEMO, *launcher, env=env, timeout=1800)
    assert launched.code == 0, launched.text
    assert _results(there) == _results(here)
    found = _tracked(there)
    assert sorted((r.data.params["decoding"], r.data.params["perturbation"]) for r in found[1:]) == [
        ("greedy", "none"), ("greedy", "typos"), ("sampling", "none"), ("sampling", "typos"),
    ]  # fmt: skip
    again = run(there, *DEMO, *launcher, env=env, timeout=1800)
    assert again.code == 0 and "finished already" in again.text, again.text
    assert [r.to_dictionary() for r in _tracked(there)] == [r.to_dictionary() for r in found]


def _tracked(directory: Path) -> list[Any]:
    """Return the one parent and its four children; there are no other runs, and all are finished."""
    parents, others = runs(directory)
    assert len(parents) == 1 and len(children(parents[0], others)) == len(others) == 4
    assert {r.info.status for r in (*parents, *others)} == {"FINISHED"}
    return [*parents, *others]


def test_slurm_finds_what_one_process_finds(tmp_path: Path) -> None:
    if importlib.util.find_spec("submitit") is None:
        pytest.skip("not installed: pip install 'alpacabench[submitit]'")
    with slurm() as settings:
        preset = ("hydra/launcher=slurm", "hydra.launcher.cpus_per_task=1", "hydra.launcher.timeout_min=30")
        _same_as_in_one_process(tmp_path, *preset, env=settings)
    logs = list(tmp_path.glob("there/outputs/sweeps/*/.submitit/*/*_log.out"))
    assert len(logs) == 8, "every job of both calls was a job of Slurm"


def test_ray_finds_what_one_process_finds(tmp_path: Path) -> None:
    if importlib.util.find_spec("hydra_plugins.hydra_ray_launcher") is None:
        pytest.skip("not installed: pip install 'alpacabench[ray]' in an environment of its own")
    _same_as_in_one_process(tmp_path, "hydra/launcher=ray_tasks", env={"RAY_AUTH_MODE": "disabled"})
