"""Early stopping: the sequential test keeps its promise, and a stopped job is never taken for a whole one."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from alpacabench.core.records import Example, Outcome, Pair, Prompt, Verdict
from alpacabench.io.manifest import JobEntry, JobResult, Manifest
from alpacabench.run.settings import EarlyStoppingSettings
from alpacabench.scoring.sequential import log_evidence, upper_bound
from alpacabench.sweeps.early_stopping import EarlyStopping
from tests.helpers.command import metrics, run
from tests.helpers.sweep_command import newest_sweep, runs

MOCK = (
    "-m", "model=echo", "model._target_=tests.helpers.early_stopping_mock.Graded", "decoding=sampling", "seed=0,1,2",
    "judge=longest", "judge._target_=tests.helpers.early_stopping_mock.Counted", "subset=random", "subset.n=64",
)  # fmt: skip
STOP = ("early_stopping.alpha=0.05", "early_stopping.every=8")


def _stops(outcomes: np.ndarray, alpha: float, every: int, margin: float = 0.0) -> list[int | None]:
    """Return after how many prompts each job is stopped by the finished ones before it; jobs by prompts."""
    jobs, prompts = outcomes.shape
    threshold = math.log(jobs * (jobs - 1) / alpha)
    stopped: list[int | None] = []
    for job in range(jobs):
        rivals = [outcomes[job] - outcomes[other] for other in range(job) if stopped[other] is None]
        looks = range(every, prompts, every)
        hit = (n for n in looks if any(log_evidence(d[:n], -margin) > threshold for d in rivals))
        stopped.append(next(hit, None))
    return stopped


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["votes", "probabilities", "correlated"])
def test_in_1000_null_sweeps_a_job_is_stopped_at_most_as_often_as_alpha_says(kind: str) -> None:
    rng = np.random.default_rng(7)
    alpha, wrong = 0.05, 0
    for _ in range(1000):
        skill = rng.random((1, 100)) if kind == "correlated" else np.full((1, 100), 0.3)
        y = rng.beta(0.3, 0.5, (6, 100)) if kind == "probabilities" else (rng.random((6, 100)) < skill).astype(float)
        wrong += any(stop is not None for stop in _stops(y, alpha, every=5))
    # 1,000 draws at 5%: beyond 70 with a probability of 0.3%.
    assert wrong <= 70


@pytest.mark.slow
def test_the_best_setting_is_kept_while_dominated_ones_are_dropped_for_less_than_the_full_price() -> None:
    rng = np.random.default_rng(11)
    kept, asked = 0, []
    for _ in range(200):
        rates = rng.permutation([0.6, 0.5, 0.4, 0.3, 0.2, 0.2, 0.1, 0.1])
        stops = _stops((rng.random((8, 805)) < rates[:, None]).astype(float), 0.05, every=50)
        kept += stops[int(np.argmax(rates))] is None
        asked.append(sum(stop or 805 for stop in stops) / (8 * 805))
    assert kept >= 0.95 * 200 and float(np.mean(asked)) <= 0.6


def test_the_bound_covers_the_mean_and_is_where_the_evidence_reaches_the_level() -> None:
    differences = np.random.default_rng(3).choice([-1.0, 0.0, 1.0], 300, p=[0.5, 0.3, 0.2])
    bound = upper_bound(differences, 0.01)
    assert differences.mean() < bound < 0
    assert math.isclose(log_evidence(differences, bound), math.log(100), abs_tol=1e-3)
    assert log_evidence([], 0.0) == pytest.approx(0.0) and upper_bound([], 0.01) == 1
    assert log_evidence([1.0] * 50) < 0 < log_evidence([-1.0] * 50)


def _outcome(index: int, preference: float | None) -> Outcome:
    example = Example(index, f"Question {index}?", "R")
    verdict = Verdict(Pair(example, example.instruction, "R", "A"), preference, True)
    return Outcome(Prompt(example, example.instruction), (), (verdict,))


def _sweep(directory: Path, judge: str = "a") -> Manifest:
    """Write a sweep whose first job is finished, with all wins; return its manifest of three jobs."""
    jobs = {0: {"judge": "a", "seed": "0"}, 1: {"judge": judge, "seed": "1"}, 2: {"judge": "a", "seed": "2"}}
    rows = [{"index": index, "preference": 2.0} for index in range(40)] + [{"index": 40, "preference": None}]
    JobResult(0, "seed=0", "k0", jobs[0], "finished").write(directory / "0", directory)
    (directory / "0" / "annotations.json").write_text(json.dumps(rows))
    entries = {number: JobEntry(f"k{number}", params) for number, params in jobs.items()}
    return Manifest("f" * 64, "three", None, ["judge", "seed"], entries, {})


def test_only_a_job_that_a_comparable_finished_one_dominates_is_stopped(tmp_path: Path) -> None:
    settings = EarlyStoppingSettings(alpha=0.05, margin=10)
    losing = [_outcome(index, 1.0) for index in range(41)]
    stopping = EarlyStopping.of(settings, _sweep(tmp_path), 1, tmp_path)
    assert stopping is not None
    assert stopping.alpha == pytest.approx(0.05 / 6), "three jobs have six ordered pairs"
    reason = stopping.verdict(losing, 100)
    assert reason and reason.startswith("stopped after 41 of 100 prompts: dominated by seed=0")
    assert stopping.verdict(losing, 41) is None, "nothing is saved any more"
    assert stopping.verdict(losing[:4], 100) is None, "too early to know"
    assert stopping.verdict([_outcome(index, 2.0) for index in range(40)], 100) is None
    assert stopping.verdict([_outcome(index, None) for index in range(40)], 100) is None
    other = EarlyStopping.of(settings, _sweep(tmp_path, judge="b"), 1, tmp_path)
    assert other is not None and other.verdict(losing, 100) is None, "another judge"
    assert EarlyStopping.of(settings, _sweep(tmp_path), 0, tmp_path) is None, "the base"
    assert EarlyStopping.of(EarlyStoppingSettings(), _sweep(tmp_path), 1, tmp_path) is None


def test_the_prompts_have_one_random_order_for_all_jobs(tmp_path: Path) -> None:
    stopping = EarlyStopping.of(EarlyStoppingSettings(alpha=0.05, every=7), _sweep(tmp_path), 2, tmp_path)
    assert stopping is not None
    prompts = [_outcome(index, 1.0).prompt for index in range(50)]
    rounds = stopping.rounds(prompts)
    assert [len(part) for part in rounds] == [7] * 7 + [1] and rounds == stopping.rounds(list(prompts))
    order = [prompt.example.index for part in rounds for prompt in part]
    assert sorted(order) == list(range(50)) and order != sorted(order)


def _asked(path: Path) -> Counter[str]:
    return Counter(path.read_text().splitlines())


def _kinds(asked: Counter[str]) -> dict[str, int]:
    return dict(Counter(line.split()[0] for line in asked))


def _rows(directory: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((newest_sweep(directory) / "sweep.csv").open()))


def test_a_dominated_setting_stops_early_and_the_whole_sweep_asks_only_the_rest(tmp_path: Path) -> None:
    env = {"ASKED": str(tmp_path / "asked")}
    first = run(tmp_path, *MOCK, *STOP, "tracking=none", env=env)
    assert first.code == 0 and "Stopped early" in first.stdout, first.text
    asked = _asked(tmp_path / "asked")
    assert _kinds(asked) == {"answer": 64 + 16 + 64, "verdict": 64 + 16 + 64} and set(asked.values()) == {1}
    rows = _rows(tmp_path)
    assert [row["status"] for row in rows] == ["finished", "stopped", "finished"]
    assert rows[1]["win_rate"] == rows[1]["p_holm"] == "" and rows[1]["n_total"] == "16"
    assert "dominated by seed=0" in rows[1]["stopped"]
    assert metrics(newest_sweep(tmp_path) / "1")["n_skipped"] == 48
    assert "Stopped early" in (newest_sweep(tmp_path) / "sweep.html").read_text()
    whole = run(tmp_path, *MOCK, "tracking=none", env=env)
    assert whole.code == 0 and "Stopped early" not in whole.stdout, whole.text
    asked = _asked(tmp_path / "asked")
    assert _kinds(asked) == {"answer": 3 * 64, "verdict": 3 * 64} and set(asked.values()) == {1}
    assert [(row["status"], row["n_total"]) for row in _rows(tmp_path)] == [("finished", "64")] * 3


@pytest.mark.slow
def test_a_stopped_job_is_tagged_and_the_same_command_adds_no_run(tmp_path: Path) -> None:
    env = {"ASKED": str(tmp_path / "asked")}
    assert run(tmp_path, *MOCK, *STOP, env=env).code == 0
    parents, children = runs(tmp_path)
    assert [run.data.tags.get("alpacabench.stopped_early", "")[:26] for run in children] == [
        "", "stopped after 16 of 64 pro", ""
    ]  # fmt: skip
    found = parents[0].data.metrics
    assert (found["n_stopped_jobs"], found["n_failed_jobs"], found["cost/n_judged"]) == (1, 0, 144)
    again = run(tmp_path, *MOCK, *STOP, env=env)
    assert again.code == 0 and "finished already" in again.text
    assert len(_asked(tmp_path / "asked")) == 288 and len(runs(tmp_path)[1]) == 3
    whole = run(tmp_path, *MOCK, env=env)
    assert whole.code == 0 and len(runs(tmp_path)[0]) == 2, whole.text
    assert set(_asked(tmp_path / "asked").values()) == {1}


def test_where_early_stopping_makes_no_sense_it_is_refused(tmp_path: Path) -> None:
    planned = run(tmp_path, *MOCK, *STOP, "plan=true")
    assert planned.code == 0 and "Early stopping may ask less." in planned.stdout
    single = run(tmp_path, "model=echo", "judge=longest", "tracking=none", "early_stopping.alpha=0.05")
    assert single.code == 2 and "early_stopping.alpha: a single run has no other job" in single.text
    wrong = run(tmp_path, *MOCK, "early_stopping.alpha=5", "early_stopping.margin=-1", "early_stopping.every=0")
    assert wrong.code == 2
    for key in ("alpha: given 5", "margin: given -1", "every: given 0"):
        assert f"early_stopping.{key}" in wrong.text
