"""`alpacabench ui`: a free port, and the page of the newest result."""

from __future__ import annotations

import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from alpacabench.cli.ui import free_port, page_that_matters
from alpacabench.io.manifest import SweepLink
from alpacabench.tracking.mlflow import Mlflow
from tests.helpers.command import ROOT
from tests.helpers.tracking_data import client, job


def test_a_port_that_is_taken_is_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert free_port(port) > port


def test_the_newest_result_is_opened_a_sweep_as_the_comparison_of_its_jobs(tmp_path: Path, database: str) -> None:
    where = "http://127.0.0.1:5001"
    assert page_that_matters(client(database), where) == where, "nothing is tracked yet"
    tracking = Mlflow(experiment="shown", uri=database, traces=0)
    record = job(tmp_path, started=1000.0)
    tracking.finish(tracking.start(record), record)
    assert page_that_matters(client(database), where).endswith("/evaluation-runs")
    parent = job(tmp_path, "b" * 64, sweep=SweepLink("s" * 64), started=2000.0)
    run, _ = tracking.open_sweep(parent, ["one", "two"])
    for name in ("one", "two"):
        link = SweepLink("s" * 64, name, name, {}, run.run_id)
        child = job(tmp_path, name, sweep=link, started=3000.0)
        tracking.finish(tracking.start(child), child)
    assert page_that_matters(client(database), where).startswith(f"{where}/#/compare-runs?runs=")


def test_without_a_database_it_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "alpacabench.cli", "ui", "--tracking-uri", f"sqlite:///{tmp_path}/none.db"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "does not exist yet" in done.stderr and not list(tmp_path.iterdir())


@pytest.mark.slow
def test_it_serves_the_pages(tmp_path: Path, database: str) -> None:
    client(database)  # makes it
    command = [sys.executable, "-m", "alpacabench.cli", "ui", "--no-browser", "--tracking-uri", database]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[0]
        for _ in range(120):
            try:
                assert urllib.request.urlopen(address.partition("#")[0], timeout=2).status == 200
                return
            except OSError:
                subprocess.run(["sleep", "0.5"], check=True)
        pytest.fail("nobody answered")
    finally:
        for child in subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split():
            subprocess.run(["kill", child], check=False)
        process.terminate()
        process.wait()
