"""kill -9 in the middle of generation: nothing finished is written twice, the files equal an uninterrupted run's."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers.command import ROOT, succeed
from tests.helpers.tiny import build_tiny

FILES = ("model_outputs.json", "annotations.json", "verdicts.jsonl", "generations.jsonl")


def _answers(store: Path) -> int:
    if not store.exists():
        return 0
    connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=30)
    try:
        return int(connection.execute("select count(*) from answers where kind = 'generation'").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
    finally:
        connection.close()


def _kill_after(directory: Path, command: list[str], answers: int) -> int:
    """Start the command, kill -9 it once the store holds some answers; return how many it holds then."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "run.py"), *command],
        cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 240
        while _answers(directory / "outputs" / "store.db") < answers:
            assert process.poll() is None, "the run ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return _answers(directory / "outputs" / "store.db")


@pytest.mark.parametrize("decoding", ["greedy", "sampling"])
def test_a_killed_run_continues_and_its_files_equal_an_uninterrupted_ones(tmp_path: Path, decoding: str) -> None:
    model = build_tiny(tmp_path / "tiny", max_position_embeddings=4096)
    command = [
        "model=hf", f"model.path={model}", "judge=longest", "tracking=none", "subset=random", "subset.n=12",
        f"decoding={decoding}", "decoding.max_new_tokens=60", "sharding.batch_size=2",
    ]  # fmt: skip
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    succeed(whole, *command)
    held = _kill_after(broken, command, 2)
    assert 2 <= held < 12, "the kill came too late to prove anything"
    resumed = succeed(broken, *command)
    assert (resumed["n_generated"], resumed["n_generated_cached"]) == (12 - held, held)
    for name in FILES:
        assert (whole / "run" / name).read_bytes() == (broken / "run" / name).read_bytes(), name
