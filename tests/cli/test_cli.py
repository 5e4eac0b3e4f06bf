"""The `alpacabench` command: its help, its errors, and what it imports."""

from __future__ import annotations

import subprocess
import sys
import time
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from alpacabench.cli import main as cli
from tests.helpers.finished_runs import ROOT, alpacabench, write_run


def test_the_help_lists_every_command_and_answers_within_a_second() -> None:
    start = time.monotonic()
    found = alpacabench("--help")
    assert time.monotonic() - start < 1.5
    assert found.returncode == 0
    assert all(f"    {name} " in found.stdout or f"    {name}\n" in found.stdout for name in (cli.RUN, *cli.COMMANDS))


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_each_command_explains_itself_without_heavy_imports(command: str) -> None:
    code = (
        "import sys, atexit\n"
        "heavy = ('torch', 'mlflow', 'transformers', 'pandas', 'hydra', 'alpaca_eval', 'numpy')\n"
        "atexit.register(lambda: print('LOADED', [m for m in heavy if m in sys.modules]))\n"
        f"from alpacabench.cli.main import main; main([{command!r}, '--help'])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert found.stdout.splitlines()[-1] == "LOADED []"
    assert f"usage: alpacabench {command}" in found.stdout


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_each_command_is_a_module_with_arguments_and_a_run(command: str) -> None:
    module = import_module(cli.COMMANDS[command][0])
    assert callable(module.add_arguments) and callable(module.run) and module.__doc__


def test_the_entry_point_of_the_package_is_this_command() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"]["alpacabench"] == "alpacabench.cli.main:main"


@pytest.mark.parametrize("arguments", [[], ["compair"], ["compare"], ["compare", "a", "b", "--marginn", "1"]])
def test_wrong_arguments_end_with_usage_and_exit_code_2(arguments: list[str]) -> None:
    found = alpacabench(*arguments)
    assert found.returncode == 2
    assert found.stderr.startswith("usage: alpacabench") and "Traceback" not in found.stderr


def test_an_expected_error_is_one_message_with_its_exit_code_and_no_traceback() -> None:
    found = alpacabench("compare", "no_such_file", "no_such_file")
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.startswith("alpacabench compare: RUN: given 'no_such_file'")
    assert "Traceback" not in found.stderr


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    a, b = (write_run(tmp_path / name, [1.0, 2.0] * 100) for name in "ab")
    command = f"{sys.executable} -m alpacabench.cli compare {a} {b} --json | head -1; echo ${{PIPESTATUS[0]}}"
    found = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=ROOT)
    assert found.stdout.split() == ["{", "0"] and "Broken" not in found.stderr


def test_a_judge_of_the_configuration_is_exported_for_alpaca_eval(tmp_path: Path) -> None:
    found = alpacabench("export-judge", "judge=gpt_4_1", "judge.model_name=my-model", "--to", tmp_path)
    assert found.returncode == 0, found.stderr
    written = Path(found.stdout.strip())
    assert written.is_relative_to(tmp_path) and "my-model" in written.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("override", "message"),
    [("judge=gpt_5_1", "gpt_5_1"), ("judge.modle_name=x", "modle_name"), ("judge=longest", "judge")],
)
def test_a_judge_that_cannot_be_exported_is_refused_by_name(tmp_path: Path, override: str, message: str) -> None:
    found = alpacabench("export-judge", override, "--to", tmp_path)
    assert found.returncode == 2 and message in found.stderr and "Traceback" not in found.stderr
    assert list(tmp_path.iterdir()) == []
