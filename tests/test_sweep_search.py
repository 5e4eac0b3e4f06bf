"""Hydra's own plugins under our sweep: a search by Optuna, jobs by submitit; skipped where one is not installed."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path

import pytest

from tests.command import run
from tests.sweep_command import BASE, FLAKY, children, newest_sweep, runs


def _needs(module: str, extra: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"not installed: pip install -e '.[{extra}]'")


@pytest.mark.cluster
def test_a_search_goes_on_past_a_failed_setting_and_a_second_call_asks_nothing(tmp_path: Path) -> None:
    _needs("optuna", "optuna")
    command = (
        *BASE, FLAKY, "decoding=sampling", "hydra/sweeper=search", "hydra.sweeper.n_trials=6",
        "decoding.temperature=interval(0.1,1.5)", "seed=choice(0,1)",
    )  # fmt: skip
    broken = run(tmp_path, *command, env={"FAIL_SEEDS": "1"})
    assert broken.code == 1 and "Traceback" not in broken.text, broken.text
    rows = list(csv.DictReader((newest_sweep(tmp_path) / "sweep.csv").open()))
    assert len(rows) == 6 and {row["status"] for row in rows} == {"finished", "failed"}
    parents, others = runs(tmp_path)
    assert len(parents) == 1 and len(children(parents[0], others)) == 6
    assert run(tmp_path, *command).code == 0
    again, after = runs(tmp_path)
    assert [r.info.run_id for r in again] == [r.info.run_id for r in parents]
    assert {r.info.run_id for r in others} <= {r.info.run_id for r in after}


@pytest.mark.cluster
def test_submitit_jobs_find_their_parent(tmp_path: Path) -> None:
    _needs("submitit", "submitit")
    done = run(tmp_path, *BASE, "hydra/launcher=submitit_local", "seed=0,1")
    assert done.code == 0, done.text
    parents, others = runs(tmp_path)
    assert len(parents) == 1 and len(children(parents[0], others)) == 2
    assert {r.info.status for r in (*parents, *others)} == {"FINISHED"}
