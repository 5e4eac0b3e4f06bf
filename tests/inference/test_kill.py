"""kill -9 at random moments, ten times over: nothing finished is written twice, and no worker is left behind."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.helpers.command import ROOT, succeed
from tests.helpers.tiny import build_tiny

pytestmark = pytest.mark.slow

KILLS = 10
PROMPTS = 12
FILES = ("model_outputs.json", "annotations.json", "verdicts.jsonl", "generations.jsonl")


@pytest.mark.parametrize("victim", ["parent", "worker"])
def test_runs_that_are_killed_ten_times_end_as_an_uninterrupted_one(tmp_path: Path, victim: str) -> None:
    seed = int(os.environ.get("KILL_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"KILL_SEED={seed}")
    moment = random.Random(seed)
    model = build_tiny(tmp_path / "tiny", max_position_embeddings=4096)
    command = [
        "model=hf", f"model.path={model}", "judge=longest", "tracking=none", "subset=random", f"subset.n={PROMPTS}",
        "decoding=sampling", "decoding.max_new_tokens=200", "sharding=data_parallel", "sharding.batch_size=1",
    ]  # fmt: skip
    whole = tmp_path / "whole"
    whole.mkdir()
    started = time.monotonic()
    assert succeed(whole, *command, timeout=1200)["n_generated"] == PROMPTS
    seconds = time.monotonic() - started
    for number in range(KILLS):
        broken = tmp_path / str(number)
        broken.mkdir()
        # Before the first answer, or with so many there: random seconds alone would mostly hit the start.
        answers = moment.randrange(-2, PROMPTS)
        delay = moment.uniform(0, seconds / 2 if answers < 0 else 1)
        code = _killed(broken, command, victim, answers, delay, moment.randrange(2))
        held = _answers(broken / "outputs" / "store.db")
        resumed = succeed(broken, *command, timeout=1200)
        print(f"kill {number}: exit code {code}, {len(held)} of {PROMPTS} answers held")
        assert (resumed["n_generated"], resumed["n_generated_cached"]) == (PROMPTS - len(held), len(held))
        after = _answers(broken / "outputs" / "store.db")
        assert len(after) == PROMPTS
        assert held == {key: after[key] for key in held}
        for name in FILES:
            assert (whole / "run" / name).read_bytes() == (broken / "run" / name).read_bytes(), name


def _killed(directory: Path, command: list[str], victim: str, answers: int, delay: float, rank: int) -> int:
    """Kill -9 the command, or one of its workers, so many seconds after so many answers; returns its exit code."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "run.py"), *command], cwd=directory, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    parent, workers = psutil.Process(process.pid), list[psutil.Process]()
    store = directory / "outputs" / "store.db"
    while process.poll() is None and (
        (victim == "worker" and len(workers) < 2) or (answers > 0 and len(_answers(store)) < answers)
    ):
        workers = _workers(parent)
        time.sleep(0.02)
    with suppress(subprocess.TimeoutExpired):
        process.wait(delay)
    workers = _workers(parent) or workers
    target = parent if victim == "parent" else workers[rank] if workers else None
    if process.poll() is None and target is not None:
        with suppress(psutil.NoSuchProcess):
            target.send_signal(signal.SIGKILL)
    code = process.wait(timeout=600)
    assert code in ((-signal.SIGKILL, 0) if victim == "parent" else (1, 0))
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert not alive, "a worker outlived its parent"
    return code


def _workers(parent: psutil.Process) -> list[psutil.Process]:
    """Return the worker processes of a parent that have become Python by now."""
    try:
        return [child for child in parent.children() if "alpacabench.inference.rank" in child.cmdline()]
    except psutil.Error:
        return []


def _answers(store: Path) -> dict[str, tuple[str, float]]:
    """Return the payload and the time of writing of every answer that the store holds."""
    if not store.exists():
        return {}
    connection = sqlite3.connect(store, timeout=60)
    try:
        rows = connection.execute("select key, payload, created from answers where kind = 'generation'")
        return {key: (payload, created) for key, payload, created in rows}
    except sqlite3.OperationalError:  # killed before the tables were there
        return {}
    finally:
        connection.close()
