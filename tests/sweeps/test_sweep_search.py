"""Hydra's own plugins under our sweep: a search by Optuna, jobs by submitit; skipped where one is not installed."""

from __future__ import annotations

import csv
import importlib.util
import random
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from alpacabench.decoding import Decoding
from alpacabench.model.base import Request
from alpacabench.model.echo import Echo
from alpacabench.sharding import Sharding
from alpacabench.store.ask_once import Reply
from tests.helpers.command import run
from tests.helpers.sweep_command import BASE, FLAKY, children, newest_sweep, runs

OPTIMUM = 0.8


class Peaked(Echo):
    """Writes the longer answer, which wins, the more often the nearer the temperature is to OPTIMUM."""

    def ask(self, requests: list[Request], decoding: Decoding, sharding: Sharding) -> Iterable[Reply]:
        wins = 1 - abs(decoding.temperature - OPTIMUM)
        texts = {request.key: request.messages[-1][1] for request in requests}
        for reply in super().ask(requests, decoding, sharding):
            assert reply.payload
            longer = random.Random(texts[reply.key]).random() < wins
            yield Reply(reply.key, reply.payload | {"text": "word " * (5000 if longer else 1)})


def _needs(module: str, extra: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"not installed: pip install 'alpacabench[{extra}]'")


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


@pytest.mark.slow
def test_a_search_over_the_temperature_finds_the_best_one(tmp_path: Path) -> None:
    _needs("optuna", "optuna")
    found = run(
        tmp_path, "-m", "model=echo", "model._target_=tests.sweeps.test_sweep_search.Peaked", "judge=longest",
        "decoding=sampling", "hydra/sweeper=search", "hydra.sweeper.n_trials=30", "tracking.traces=0",
        "decoding.temperature=interval(0.0,1.5)", timeout=1800,
    )  # fmt: skip
    assert found.code == 0, found.text
    best = yaml.safe_load((newest_sweep(tmp_path) / "optimization_results.yaml").read_text())
    assert abs(best["best_params"]["decoding.temperature"] - OPTIMUM) < 0.1
    rows = list(csv.DictReader((newest_sweep(tmp_path) / "sweep.csv").open()))
    assert len(rows) == 30 and best["best_value"] == max(float(row["win_rate"]) for row in rows) > 90
    parents, others = runs(tmp_path)
    assert len(parents) == 1 and len(children(parents[0], others)) == len(others) == 30
