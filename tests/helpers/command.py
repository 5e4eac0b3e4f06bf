"""Run the real `python run.py` as a user does, in a directory of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Outcome:
    """What one command did."""

    code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        return self.stdout + self.stderr


def run(
    directory: Path,
    *overrides: str,
    env: dict[str, str] | None = None,
    timeout: float = 300,
    within: Sequence[str] = (),
) -> Outcome:
    """Run `python run.py OVERRIDES` with `directory` as the working directory; `within` is a command that starts it."""
    done = subprocess.run(
        [*within, sys.executable, str(ROOT / "run.py"), *overrides],
        cwd=directory,
        env=os.environ | {"PYTHONWARNINGS": "ignore"} | (env or {}),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def succeed(directory: Path, *overrides: str, **options: Any) -> dict[str, float]:
    """Run a single job that must end well; returns its metrics."""
    outcome = run(directory, *overrides, f"hydra.run.dir={directory}/run", **options)
    assert outcome.code == 0, outcome.text
    return metrics(directory / "run")


def metrics(directory: Path) -> dict[str, float]:
    """Return the metrics that a job wrote."""
    found: dict[str, float] = json.loads((directory / "metrics.json").read_text())
    return found
