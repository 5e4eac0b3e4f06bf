"""Hydra 1.3 and 1.4: no warning of what the next one takes away; `make test-all` runs this under both."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from alpacabench.cli import hydra_versions
from tests.helpers.command import ROOT

JOB = ("model=echo", "judge=longest", "tracking=none", "subset=head", "subset.n=2")


def test_a_sweep_uses_nothing_that_is_deprecated(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error::UserWarning", str(ROOT / "run.py"), "-m", *JOB, "seed=0,1"]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PYTHONWARNINGS": ""}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Warning" not in done.stderr and (tmp_path / "outputs").is_dir()


def test_what_hydra_makes_is_named_by_trusted_code_where_hydra_asks_for_it() -> None:
    arguments = hydra_versions.main_arguments()
    if version("hydra-core").startswith("1.3."):
        assert arguments == {"version_base": "1.3"} == hydra_versions.initialize_arguments()
    else:
        assert "alpacabench.*" in arguments["execution_whitelist"] and "os.*" not in arguments["execution_whitelist"]
        assert hydra_versions.initialize_arguments() == {}
