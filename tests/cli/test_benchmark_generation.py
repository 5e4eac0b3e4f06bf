"""The generation benchmark runs; what it measures is measured where a machine is idle."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_part_for_gpus_runs_with_a_tiny_model_on_a_cpu_and_all_write_the_same_text() -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "generation.py"), "--random_llama", "tiny", "--n", "8"]
    command += ["--max_new_tokens", "12", "--dtype", "float32", "--contestants", "loop,batches,ours"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert run.returncode == 0, run.stderr
    rows = {line.split()[0]: line for line in run.stdout.splitlines() if " x " in line}
    assert set(rows) == {"loop", "batches", "ours"}
    assert "2/2" in rows["loop"] and "8/8" in rows["batches"] and "8/8" in rows["ours"]
