"""A command that is killed at a random moment, and what it leaves behind."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.helpers.command import ROOT

MARK = "ALPACABENCH_CHAOS"
"""An environment variable that all processes of a command inherit, by which orphans are found."""

ORPHAN_SECONDS = 10.0
START = 0.6
"""The share of a command's time that it takes where nothing is left to ask."""
SHIFTED = """
import runpy, sys, time
real, shift = time.time, float(sys.argv[1])
time.time = lambda: real() + shift
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass(frozen=True)
class Kills:
    """How many kills a scene gets, and until when: a busy machine gets through fewer."""

    number: int
    deadline: float
    """By the monotonic clock."""

    def more(self, done: int) -> bool:
        """Return whether there is to be another one."""
        return done < self.number and time.monotonic() < self.deadline

    def rest(self, done: int) -> Kills:
        """Return what is left of them."""
        return Kills(self.number - done, self.deadline)


@dataclass
class Command:
    """`python run.py OVERRIDES` in a directory of its own."""

    directory: Path
    overrides: Sequence[str]
    shift: float = 0.0
    """Seconds by which its clock is ahead."""
    orphans: int = 0
    """Processes that were alive ORPHAN_SECONDS after it was killed."""
    tracebacks: int = 0
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log = self.directory / "said.txt"

    def start(self) -> subprocess.Popen[bytes]:
        """Start it."""
        shifted = ["-c", SHIFTED, str(self.shift)] if self.shift else []
        environment = os.environ | {
            MARK: str(self.directory), "OPENAI_API_KEY": "chaos", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"
        }  # fmt: skip
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, *shifted, str(ROOT / "run.py"), *self.overrides],
                cwd=self.directory, env=environment, stdout=log, stderr=log,
            )  # fmt: skip

    def finish(self) -> int:
        """Run it to its end; returns the exit code."""
        return self._ended(self.start())

    def kill(self, after: float) -> int | None:
        """Start it and kill -9 it after so many seconds; returns its exit code where it had ended by itself."""
        process = self.start()
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            self.orphans += len(self._orphans())
            return None
        return self._ended(process)

    def _ended(self, process: subprocess.Popen[bytes]) -> int:
        code = process.wait()
        self.tracebacks += self.log.read_text(errors="replace").count("Traceback (most recent call last)")
        return code

    def _orphans(self) -> list[int]:
        deadline = time.monotonic() + ORPHAN_SECONDS
        while (left := marked(str(self.directory))) and time.monotonic() < deadline:
            time.sleep(0.2)
        for pid in left:
            psutil.Process(pid).kill()
        return left


def marked(mark: str) -> list[int]:
    """Return the processes with this mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def kill_until_done(command: Command, kills: Kills, seconds: float, chance: random.Random) -> tuple[int, int]:
    """Run a command again and again, killed at random moments, until it ends; returns the kills and its exit code.

    Args:
        command: what is run.
        kills: how many, and until when.
        seconds: how long the command takes when it is left alone.
        chance: chooses the moments.

    """
    done = 0
    while kills.more(done):
        # What was answered before a kill is not asked again: each time there is less to do, but for the start.
        code = command.kill(chance.uniform(0.25, 1.1) * seconds * max(START, 0.85**done))
        if code is not None:
            return done, code
        done += 1
    return done, command.finish()


def held(store: Path, kind: str = "verdict") -> int:
    """Return how many answers of a kind a store holds."""
    if not store.exists():
        return 0
    with closing(sqlite3.connect(store, timeout=60)) as connection:
        return int(connection.execute("select count(*) from answers where kind = ?", (kind,)).fetchone()[0])
