"""`from alpacabench import evaluate, sweep, compare, load_run`: what they return, say, and leave unchanged."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.singleton import Singleton
from omegaconf.basecontainer import BaseContainer

from alpacabench import compare, evaluate, load_run, sweep
from alpacabench.core.errors import AlpacabenchError, ConfigError, DataError, StageError
from tests.helpers.command import ROOT, run

QUESTIONS = {"Why?": "So.", "How many?": "Seven of them.", "Who?": "Nobody."}
ANSWERS = {"short": ["I", "Six", "A"], "long": ["It is so.", "There are seven.", "Nobody at all."]}
DATA = ("model=recorded", "dataset=jsonl", "dataset.path=prompts.jsonl", "judge=longest", "tracking=none")


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prompts and two models' answers in the working directory."""
    monkeypatch.chdir(tmp_path)
    rows = [{"instruction": q, "output": a} for q, a in QUESTIONS.items()]
    Path("prompts.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    for name, texts in ANSWERS.items():
        answers = [row | {"output": text, "generator": name} for row, text in zip(rows, texts, strict=True)]
        Path(f"{name}.json").write_text(json.dumps(answers), encoding="utf-8")


def test_a_run_has_metrics_a_data_frame_and_a_page_and_leaves_what_the_command_leaves(tmp_path: Path) -> None:
    found = evaluate(*DATA, "model.path=long.json")
    assert found.metrics["win_rate"] == 100.0
    assert list(found.examples["output"]) == ANSWERS["long"]
    assert list(found.examples["preference"]) == [2.0, 2.0, 2.0]
    shown = found.report._repr_html_()
    assert shown.startswith("<iframe") and "srcdoc=" in shown and "&lt;html" in shown and "<html" not in shown
    assert "long" in repr(found) and "win rate 100.00" in repr(found)
    directory = Path(found.origin)
    assert directory.parent == tmp_path / "outputs" / "runs"
    by_command = run(tmp_path, *DATA, "model.path=long.json", "hydra.run.dir=by_command")
    assert by_command.code == 0, by_command.text
    here, there = ({p.name for p in d.iterdir()} for d in (directory, tmp_path / "by_command"))
    assert here == there
    assert (directory / "annotations.json").read_bytes() == (tmp_path / "by_command" / "annotations.json").read_bytes()
    assert "win rate 100.00" in (directory / "run.log").read_text(encoding="utf-8")


def _state() -> list[object]:
    """What belongs to the whole process."""
    mask = os.umask(0o022)
    os.umask(mask)
    hydra = [dict(Singleton._instances), ConfigLoaderImpl.load_configuration, dict(BaseContainer._resolvers)]
    root = logging.getLogger()
    return [*hydra, os.getcwd(), dict(os.environ), root.handlers[:], root.level, mask, sys.argv[:], sys.stdout]


def test_calls_leave_the_program_as_it_was_also_inside_an_event_loop(tmp_path: Path) -> None:
    handler = logging.FileHandler(tmp_path / "mine.log")
    logging.getLogger().addHandler(handler)
    before = _state()

    async def in_a_kernel() -> list[Path]:
        return [Path(evaluate(*DATA, "model.path=short.json").origin) for _ in range(2)]

    first, second = asyncio.run(in_a_kernel())
    assert first != second and first.is_dir() and second.is_dir()
    with pytest.raises(ConfigError):
        evaluate(*DATA, "model.path=nothing.json")
    assert _state() == before
    logging.getLogger().warning("still heard")
    logging.getLogger().removeHandler(handler)
    assert (tmp_path / "mine.log").read_text().splitlines()[-1] == "still heard"


@pytest.mark.parametrize(
    "overrides",
    [
        ["judge=longst"],
        ["jugde=longest"],
        [*DATA, "model.pth=x"],
        [*DATA, "model.path=nothing.json", "subset.n=-1"],
        ["judge=null"],
        ["tracking.uri=http://me:secret@host"],
    ],
)
def test_errors_say_what_the_command_says(tmp_path: Path, overrides: list[str]) -> None:
    with pytest.raises(AlpacabenchError) as found:
        evaluate(*overrides)
    command = [sys.executable, "-m", "alpacabench", "run", *overrides]
    said = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert said.returncode == 2
    assert str(found.value).strip() == said.stderr.strip()
    assert "secret" not in str(found.value)


def test_what_is_no_override_or_would_run_nothing_is_refused(tmp_path: Path) -> None:
    for call in (lambda: evaluate("-m"), lambda: evaluate(["judge=longest"])):  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match="one by one"):
            call()
    for function in (evaluate, sweep):
        with pytest.raises(ConfigError, match="plan=true"):
            function(*DATA, "model.path=long.json", "plan=true")


def test_a_sweep_has_a_table_its_runs_and_a_page() -> None:
    found = sweep(*DATA, "model.path=short.json,long.json")
    table = found.table.set_index("model.path")
    assert table.loc["long.json", "delta_wr"] == 100.0
    assert [one.metrics["win_rate"] for one in found.runs] == [0.0, 100.0]
    assert "short.json" in found.report.html
    comparison = compare(found.runs[0], found.directory / "1")
    assert comparison.metrics["delta_wr"] == 100.0
    assert list(comparison.flips["direction"]) == ["loss_to_win"] * 3
    assert "<iframe" in comparison.report._repr_html_() and "long" in repr(comparison)
    assert load_run(found.directory / "1" / "annotations.json").finished.name == "long"


def test_a_failed_job_is_a_row_and_a_warning_and_all_failed_is_an_error() -> None:
    Path("half.json").write_text(json.dumps(json.loads(Path("long.json").read_text())[:1]))
    with pytest.warns(UserWarning, match="1 of 2 jobs failed"):
        found = sweep(*DATA, "model.path=long.json,half.json")
    assert list(found.table["status"]) == ["finished", "failed"]
    assert "has no answer to 2 of 3 prompts" in found.table["failure"][1]
    with pytest.raises(StageError, match="all 2 jobs failed"):
        sweep(*DATA, "model.path=half.json", "seed=0,1")


def test_what_is_no_run_says_so() -> None:
    with pytest.raises(DataError, match="no such directory or file"):
        load_run("nothing")
    with pytest.raises(DataError, match=r"report\.html"):
        _ = load_run(Path(evaluate(*DATA, "model.path=long.json").origin) / "annotations.json").report


def test_importing_the_package_is_light() -> None:
    heavy = "('torch', 'mlflow', 'hydra', 'numpy', 'pandas', 'pydantic', 'rich', 'omegaconf', 'transformers')"
    code = (
        "import sys, time; start = time.perf_counter(); import alpacabench; took = time.perf_counter() - start\n"
        f"assert not [m for m in {heavy} if m in sys.modules]; assert took < 0.2, took\n"
        "from alpacabench import compare, evaluate, load_run, sweep; assert 'evaluate' in dir(alpacabench)\n"
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
