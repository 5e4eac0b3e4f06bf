"""What a sweep has started ends with it."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil

from tests.helpers.command import ROOT

WORKER = "import time; from alpacabench.cli.sweep_parent import end_with_the_sweep as e; e(); print(); time.sleep(60)"
SWEEP = f"""
import subprocess, sys
from alpacabench.cli.sweep_parent import announce
announce()
worker = subprocess.Popen([sys.executable, "-c", {WORKER!r}], stdout=subprocess.PIPE)
worker.stdout.readline()
print(worker.pid, flush=True)
worker.wait()
"""


def test_a_worker_process_ends_soon_after_its_sweep_was_killed() -> None:
    sweep = subprocess.Popen([sys.executable, "-c", SWEEP], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert sweep.stdout
    worker = psutil.Process(int(sweep.stdout.readline()))
    time.sleep(1.0)
    assert worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE
    sweep.kill()
    sweep.wait()
    gone, _ = psutil.wait_procs([worker], timeout=10)
    assert gone
