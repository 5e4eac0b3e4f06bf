"""What a sweep has started ends with it."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest

from tests.helpers.command import ROOT

SWEEP = """
import sys, time
from alpacabench.cli.sweep_parent import keep_workers
if __name__ == "__main__":
    from joblib import Parallel, delayed
    keep_workers()
    Parallel(n_jobs=4, backend="loky")(delayed(time.sleep)(100) for _ in range(2))
"""
"""Two of its four workers never get a job."""


def workers(sweep: psutil.Process) -> list[psutil.Process]:
    """Return joblib's worker processes, those that are still starting too."""
    return [child for child in sweep.children() if any("popen_loky" in word for word in child.cmdline())]


@pytest.mark.parametrize("moment", ["the first worker starts", "workers have jobs, or none"])
def test_workers_end_soon_after_their_sweep_was_killed(moment: str) -> None:
    sweep = psutil.Popen([sys.executable, "-c", SWEEP], cwd=ROOT, stdout=subprocess.DEVNULL)
    number = 1 if moment.startswith("the first") else 4
    while len(workers(sweep)) < number:
        time.sleep(0.01)
    if moment.startswith("workers have"):
        time.sleep(3.0)
    started = sweep.children(recursive=True)
    assert len(workers(sweep)) >= number
    sweep.kill()
    sweep.wait()
    _, alive = psutil.wait_procs(started, timeout=10)
    for process in alive:
        process.kill()
    assert not alive
