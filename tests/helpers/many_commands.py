"""Many `python run.py` commands for one start of the interpreter: each runs in a fork of a process that imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.helpers.command import ROOT, Outcome


def run_all(directory: Path, commands: Sequence[Sequence[str]], env: dict[str, str] | None = None) -> list[Outcome]:
    """Run each command with `directory` as the working directory, one after the other."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.helpers.many_commands"],
        input=json.dumps([list(command) for command in commands]),
        cwd=directory,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"} | (env or {}),
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return [Outcome(code, text, "") for code, text in json.loads(done.stdout)]


def _run(arguments: list[str]) -> tuple[int, str]:
    """Return exit code and all output of one command."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        for number in (1, 2):
            os.dup2(writing, number)
        os.close(reading)
        os._exit(_exit_code(arguments))
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as stream:
        text = stream.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), text


def _exit_code(arguments: list[str]) -> int:
    from alpacabench.cli.run import main

    sys.argv = [str(ROOT / "run.py"), *arguments]
    try:
        code = main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _main() -> None:
    import hydra  # noqa: F401
    import omegaconf  # noqa: F401

    import alpacabench.cli.hydra_job
    import alpacabench.cli.hydra_sweep  # noqa: F401

    print(json.dumps([_run(arguments) for arguments in json.load(sys.stdin)]))


if __name__ == "__main__":
    _main()
