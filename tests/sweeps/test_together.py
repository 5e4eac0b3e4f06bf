"""A sweep that asks its jobs' questions together finds, writes and logs what one does that runs job by job."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.command import ROOT, run
from tests.helpers.fakes.http_server import HttpServer, error
from tests.helpers.fakes.openai_server import Choice, chat_server, made_up, questions
from tests.helpers.sweep_command import runs
from tests.helpers.tiny import build_tiny

SCHEDULES = ("together", "one_by_one")
TIMES = re.compile(r"second|latency|peak_memory|speed|system/|time/|^created|^layout$")
PLACES = re.compile(r"\d{4}-\d\d-\d\d[ T_][\d:.+-]+|[0-9a-f]{32}|schedule[=:] ?\w+")
COMMON = ("-m", "subset=head", "subset.n=6", "tracking.traces=0", "hydra.sweep.dir=out")


def _refusing(body: dict[str, Any]) -> Choice:
    return error(404, "no such model", "model_not_found") if "absent" in body["model"] else made_up(body)  # type: ignore[return-value]


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with chat_server(_refusing) as running:
        yield running


def _both(folder: Path, *command: str, code: int = 0, **options: Any) -> list[dict[str, Any]]:
    """Run the command under both schedules; return what each left behind, without times and places."""
    found = []
    for schedule in SCHEDULES:
        place = folder / schedule
        place.mkdir(exist_ok=True)
        done = run(place, *COMMON, *command, f"schedule={schedule}", timeout=900, **options)
        assert done.code == code, done.text
        found.append(_left(place))
    return found


def _left(place: Path) -> dict[str, Any]:
    left: dict[str, Any] = {}
    for path in sorted((place / "out").rglob("*")):
        name = str(path.relative_to(place / "out"))
        if path.suffix == ".json" and path.name != "audit.json":
            left[name] = _known(json.loads(path.read_text()))
        elif path.suffix == ".jsonl":
            left[name] = [_known(json.loads(line)) for line in path.read_text().splitlines()]
        elif path.suffix == ".csv":
            left[name] = [_known(row) for row in csv.DictReader(path.open())]
        elif path.is_file() and ".hydra" not in name:
            left[name] = None
    parents, children = runs(place)
    logged = [[_known(r.data.params), _known(r.data.metrics), r.info.run_name, r.info.status] for r in children]
    left["mlflow"] = [len(parents), sorted(map(str, logged))]
    return left


def _known(value: Any) -> Any:
    """Return what must be equal: no times, no run ids, no directories."""
    if isinstance(value, dict):
        return {key: _known(item) for key, item in value.items() if not TIMES.search(key)}
    if isinstance(value, list):
        return [_known(item) for item in value]
    return PLACES.sub("_", value) if isinstance(value, str) else value


def test_results_are_those_of_job_by_job_also_with_a_judge_and_a_model_that_fail(
    tmp_path: Path, server: HttpServer
) -> None:
    command = (
        "model=openai_compatible", f"model.base_url={server.url}", "model.path=good,absent,other",
        "decoding.temperature=0,0.7", "perturbation=typos", "judge=gpt_4_1", f"judge.base_url={server.url}",
    )  # fmt: skip
    together, one_by_one = _both(tmp_path, *command, code=1)
    assert together == one_by_one
    told = [together[f"{n}/job.json"] for n in range(6)]
    assert [job["status"] for job in told] == ["finished"] * 2 + ["failed"] * 2 + ["finished"] * 2
    assert "no such model" in told[3]["failure"]
    asked = Counter({key: times for key, times in questions(server).items() if "absent" not in key})
    assert set(asked.values()) == {2}, "each question once under each schedule"
    assert sum(together[f"{n}/metrics.json"]["n_generated"] for n in (0, 1, 4, 5)) == 24


def test_what_is_asked_first_belongs_to_the_first_job(tmp_path: Path) -> None:
    command = ("model=echo", "judge=longest", "perturbation=none", "decoding.temperature=0", "seed=1,2,2")
    together, one_by_one = _both(tmp_path, *command)
    assert together == one_by_one
    assert [together[f"{n}/metrics.json"]["n_generated"] for n in range(3)] == [6, 0, 0]


@pytest.mark.slow
def test_a_local_model_and_a_local_judge_write_and_judge_the_same(tmp_path: Path) -> None:
    model = build_tiny(tmp_path / "tiny", max_position_embeddings=4096)
    command = (
        "model=hf", f"model.path={model}", "decoding=greedy,sampling,beam", "decoding.max_new_tokens=12,20",
        "judge=local", f"judge.model_name={model}", "judge.order=both,seeded",
    )  # fmt: skip
    together, one_by_one = _both(tmp_path, *command, env={"OMP_NUM_THREADS": "1"})
    for left in (together, one_by_one):
        for name, rows in left.items():
            if name.endswith("verdicts.jsonl"):
                left[name] = [{k: round(v, 4) if isinstance(v, float) else v for k, v in r.items()} for r in rows]
    names = [name for name in together if name.endswith(("generations.jsonl", "model_outputs.json"))]
    assert len(names) >= 12 and all(together[name] == one_by_one[name] for name in names)
    metrics = [[left[f"{n}/metrics.json"] for n in range(12)] for left in (together, one_by_one)]
    for ours, theirs in zip(*metrics, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-2, nan_ok=True)
        assert ours["n_generated"] == theirs["n_generated"] and ours["model_loads"] == theirs["model_loads"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["generation", "verdict"])
def test_a_sweep_that_was_killed_in_either_phase_ends_as_an_uninterrupted_one(
    tmp_path: Path, server: HttpServer, kind: str
) -> None:
    server.latency = 0.05
    command = (
        "model=openai_compatible", f"model.base_url={server.url}", "model.path=good", "model.concurrency=1",
        "decoding.temperature=0,0.7", "perturbation=none,typos", "judge=gpt_4_1", "judge.concurrency=1",
        f"judge.base_url={server.url}",
    )  # fmt: skip
    whole, _ = _both(tmp_path, *command)
    before = questions(server)
    broken = tmp_path / "broken"
    broken.mkdir()
    started = [sys.executable, str(ROOT / "run.py"), *COMMON, *command]
    process = subprocess.Popen(started, cwd=broken, stdout=-3, stderr=-3, start_new_session=True)
    try:
        deadline = time.monotonic() + 240
        while _held(broken / "outputs" / "store.db", kind) < 2:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    held = {name: _held(broken / "outputs" / "store.db", name) for name in ("generation", "verdict")}
    done = run(broken, *COMMON, *command)
    assert done.code == 0, done.text
    left = _left(broken)
    for number in range(4):
        assert left[f"{number}/annotations.json"] == whole[f"{number}/annotations.json"]
    totals = [sum(left[f"{n}/metrics.json"][name] for n in range(4)) for name in ("n_generated", "n_judged")]
    wholes = [sum(whole[f"{n}/metrics.json"][name] for n in range(4)) for name in ("n_generated", "n_judged")]
    assert totals == [wholes[0] - held["generation"], wholes[1] - held["verdict"]]
    again = {key: times - before[key] for key, times in questions(server).items()}
    assert set(again.values()) <= {1, 2} and sum(times == 2 for times in again.values()) <= 2


def _held(store: Path, kind: str) -> int:
    try:
        with sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=30) as connection:
            return int(connection.execute("select count(*) from answers where kind = ?", [kind]).fetchone()[0])
    except sqlite3.OperationalError:
        return 0


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["budget.usd=0.01", "fail_fast=true"])
def test_a_cap_and_a_failure_end_the_same_jobs(tmp_path: Path, server: HttpServer, setting: str) -> None:
    paths = "gpt-4.1" if "budget" in setting else "good,absent,other"
    command = (
        "model=openai_compatible", f"model.base_url={server.url}", f"model.path={paths}", "model.concurrency=1",
        "decoding.temperature=0,0.7,0.9,1.0", "decoding.max_new_tokens=100", "judge=gpt_4_1",
        "judge.concurrency=1", f"judge.base_url={server.url}", setting,
    )  # fmt: skip
    together, one_by_one = _both(tmp_path, *command, code=1)
    assert together == one_by_one
    ended = Counter(job["status"] for name, job in together.items() if name.endswith("job.json"))
    assert ended["finished"] >= 1 and ended["failed"] + ended["skipped"] >= 1
