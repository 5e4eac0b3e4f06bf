"""The training callback in a real Trainer: evaluations under the training's run, and training never waits or dies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from transformers import TrainerControl, TrainerState, TrainingArguments

from alpacabench.core.errors import ConfigError, StageError
from alpacabench.inference.weights.checkpoint import locate
from alpacabench.training import AlpacaEvalCallback, evaluate_checkpoint
from alpacabench.training.evaluation import Evaluation
from alpacabench.training.held import hold
from alpacabench.training.training_run import TrainingRun
from tests.helpers.command import ROOT
from tests.helpers.tiny import build_tiny
from tests.helpers.training_script import LAST_STEP

OVERRIDES = ["judge=longest", "subset=head", "subset.n=3", "decoding.max_new_tokens=4"]
WAITS = [*OVERRIDES, "judge._target_=tests.helpers.training_script.WaitsForTraining"]


def _train(
    directory: Path, options: dict[str, Any], training: dict[str, Any] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the training script in a directory of its own, with MLflow on SQLite."""
    model = build_tiny(directory / "model")
    environment = {
        "MLFLOW_TRACKING_URI": f"sqlite:///{directory}/mlflow.db", "MLFLOW_EXPERIMENT_NAME": "fine tuning",
        "PYTHONPATH": str(ROOT), LAST_STEP: str(directory / "last_step"), "PYTHONWARNINGS": "ignore",
        "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.helpers.training_script", str(model), str(directory / "out")]
    return subprocess.run(
        [*command, json.dumps(options), json.dumps(training or {})],
        cwd=directory, env=os.environ | environment, stdin=subprocess.PIPE, capture_output=True, text=True, timeout=900,
    )  # fmt: skip


def _runs(directory: Path) -> tuple[Any, list[Any], Any]:
    """Return the training's run, its children by step, and the client."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{directory}/mlflow.db")
    experiment = client.get_experiment_by_name("fine tuning")
    runs = client.search_runs([experiment.experiment_id])
    (training,) = [run for run in runs if "alpacabench.job" not in run.data.tags]
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == training.info.run_id]
    assert len(children) == len(runs) - 1
    return training, sorted(children, key=lambda run: int(run.data.params["step"])), client


@pytest.mark.slow
def test_both_checkpoints_are_evaluated_under_the_training_run_and_training_does_not_wait(tmp_path: Path) -> None:
    # The judge of the first evaluation answers only after step 10, and the first checkpoint is deleted at step 10.
    done = _train(tmp_path, {"overrides": WAITS, "wait_seconds": 600}, {"save_total_limit": 1})
    assert done.returncode == 0 and "trained 10" in done.stdout, done.stdout + done.stderr
    assert not (tmp_path / "out" / "checkpoint-5").exists()
    training, children, client = _runs(tmp_path)
    assert [run.data.params["step"] for run in children] == ["5", "10"]
    assert [run.info.status for run in (training, *children)] == ["FINISHED"] * 3
    for step, run in zip((5, 10), children, strict=True):
        (point,) = client.get_metric_history(run.info.run_id, "win_rate")
        written = json.loads((tmp_path / "out" / "_alpacabench" / f"checkpoint-{step}" / "metrics.json").read_text())
        assert (point.step, point.value) == (step, written["win_rate"])
        assert run.data.tags["mlflow.runType"] == "genai_evaluate"
    curve = client.get_metric_history(training.info.run_id, "alpacabench/win_rate")
    assert [(point.step, point.value) for point in curve] == [
        (step, run.data.metrics["win_rate"]) for step, run in zip((5, 10), children, strict=True)
    ]
    assert not list((tmp_path / "out" / "_alpacabench" / "waiting").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["warn", "raise"])
def test_a_failing_evaluation_is_a_warning_or_an_error_as_chosen(tmp_path: Path, policy: str) -> None:
    done = _train(tmp_path, {"overrides": [*OVERRIDES, "subset.seed=x"], "on_failure": policy, "at": "end"})
    said = done.stderr
    assert "the evaluation of checkpoint-10 ended with exit code 2" in said and "subset.seed: given 'x'" in said
    assert (done.returncode == 0, "trained 10" in done.stdout) == (policy == "warn",) * 2, said
    assert (tmp_path / "out" / "checkpoint-10" / "model.safetensors").exists()
    assert not _runs(tmp_path)[1]


@pytest.mark.slow
def test_what_is_not_evaluated_in_time_is_stopped_and_named(tmp_path: Path) -> None:
    options = {"overrides": WAITS, "wait_seconds": 1, "environment": {LAST_STEP: str(tmp_path / "never")}}
    done = _train(tmp_path, options)
    assert done.returncode == 0 and "trained 10" in done.stdout
    assert "not evaluated within wait_seconds=1: checkpoint-5, checkpoint-10" in done.stderr
    assert not list((tmp_path / "out" / "_alpacabench" / "waiting").iterdir())


def test_a_checkpoint_is_evaluated_by_a_plain_call_that_has_no_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # What a launcher sets in the training's processes would make run.py refuse to start.
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    overrides = ["model=echo", "judge=longest", "subset=head", "subset.n=2", "tracking=none", "name='a b'"]
    metrics = evaluate_checkpoint(tmp_path / "out's" / "checkpoint-7", overrides, step=7)
    target = tmp_path / "out's" / "_alpacabench" / "checkpoint-7"
    assert metrics["n_total"] == 2 and metrics == json.loads((target / "metrics.json").read_text())
    with pytest.raises(StageError, match=r"(?s)left no metrics: is it a sweep, or plan=true"):
        evaluate_checkpoint(tmp_path / "checkpoint-8", [*overrides, "plan=true"])
    with pytest.raises(StageError, match=r"(?s)exit code 2.*judge: unknown option 'longer'"):
        evaluate_checkpoint(tmp_path / "checkpoint-9", ["judge=longer"])


def test_overrides_that_are_none_are_refused_before_training() -> None:
    with pytest.raises(ConfigError, match=r"overrides: given '-m', 'judge'"):
        AlpacaEvalCallback(["-m", "judge", "subset.n=2"])
    with pytest.raises(ConfigError, match="overrides: given 'judge=longest'"):
        AlpacaEvalCallback("judge=longest")
    with pytest.raises(ConfigError, match=r"hydra\.run\.dir"):
        AlpacaEvalCallback(["hydra.run.dir=elsewhere"])


def test_an_untracked_evaluation_is_told_nothing_of_the_training_run(tmp_path: Path) -> None:
    training = TrainingRun("f" * 32, "an experiment", "sqlite:///x.db")
    for overrides, told in ((["tracking=none"], False), ([], True)):
        command = Evaluation(tmp_path, tmp_path, overrides, 1, training, {}).command()
        assert any("tracking.experiment" in argument for argument in command) == told


def test_a_checkpoint_that_waits_outlives_its_deletion_without_the_optimizer(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint-5"
    checkpoint.mkdir()
    for name in ("model.safetensors", "config.json", "tokenizer.json", "optimizer.pt", "rng_state.pth"):
        (checkpoint / name).write_text("{}")
    held = hold(checkpoint, tmp_path / "waiting" / "checkpoint-5")
    assert os.path.samefile(held / "model.safetensors", checkpoint / "model.safetensors")
    # So that `experiment=checkpoints` finds the answers of the callback in the store.
    assert locate(str(held), None).weights() == locate(str(checkpoint), None).weights()
    shutil.rmtree(checkpoint)
    assert {path.name for path in held.iterdir()} == {"model.safetensors", "config.json", "tokenizer.json"}
    assert (held / "model.safetensors").read_text() == "{}"


def test_another_rank_than_the_first_evaluates_nothing(tmp_path: Path) -> None:
    arguments, state = TrainingArguments(str(tmp_path), use_cpu=True), TrainerState(is_world_process_zero=False)
    callback = AlpacaEvalCallback(on_failure="raise")
    for event in (callback.on_train_begin, callback.on_save, callback.on_train_end):
        event(arguments, state, TrainerControl())
    assert not list(tmp_path.iterdir())
    with pytest.raises(StageError, match="checkpoint-0 cannot be evaluated"):
        callback.on_save(arguments, TrainerState(), TrainerControl())


BREAKS = """
import sys, time
from pathlib import Path
from alpacabench.training.evaluation import Evaluation
from alpacabench.training.evaluation_queue import EvaluationQueue

folder = Path(sys.argv[1])
evaluation = Evaluation(folder / "checkpoint-1", folder / "result", sys.argv[2:], 1, None, {})
EvaluationQueue(print).put(evaluation)
while not (folder / "last_step.waited_for").exists():
    time.sleep(0.1)
print(evaluation._process.pid)
raise RuntimeError("the loss is NaN")
"""


@pytest.mark.slow
def test_a_training_that_breaks_ends_and_leaves_no_evaluation_behind(tmp_path: Path) -> None:
    overrides = ["model=echo", "tracking=none", *WAITS]
    done = subprocess.run(
        [sys.executable, "-c", BREAKS, str(tmp_path), *overrides], cwd=tmp_path, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), LAST_STEP: str(tmp_path / "last_step")}, timeout=300,
    )  # fmt: skip
    assert done.returncode == 1 and "the loss is NaN" in done.stderr
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)
    assert "Interrupted" in (tmp_path / "result" / "evaluation.log").read_text()
