"""One checkpoint through the real `alpacabench run`, in a process of its own that has no terminal to ask at."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from alpacabench.core.conf import PACKAGE
from alpacabench.core.errors import ConfigError, Problem, StageError
from alpacabench.training.training_run import TrainingRun

log = logging.getLogger(__name__)

FOLDER = "_alpacabench"
"""Beside the checkpoints; a leading underscore keeps it out of what a Trainer pushes to the Hub."""
LOG = "evaluation.log"
TAIL = 12
"""Lines of the log that a message repeats."""
COMMAND = (sys.executable, "-P", str(PACKAGE / "__main__.py"), "run")
"""With -P, modules that lie in the working directory stand for nobody else's."""
LAUNCHER = (
    "RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK", "ROLE_RANK", "MASTER_ADDR", "MASTER_PORT",
)  # fmt: skip
LAUNCHERS = ("TORCHELASTIC_", "ACCELERATE_", "FSDP_")
"""What a launcher tells the training's processes, by name and by the name's start; the evaluation is none of them."""
GRACE_SECONDS = 30.0
"""How long an evaluation may take to close its run when it is stopped."""


def evaluate_checkpoint(
    checkpoint: Path | str,
    overrides: Sequence[str] = (),
    *,
    step: int | None = None,
    run_id: str | None = None,
    directory: Path | str | None = None,
    environment: Mapping[str, str] | None = None,
) -> dict[str, float]:
    """Evaluate a checkpoint and return its metrics; takes as long as that takes.

    Args:
        checkpoint: a directory with the whole model and its tokenizer.
        overrides: Hydra overrides, as on the command line; keys and passwords belong into the environment.
        step: the training step, shown in MLflow.
        run_id: the MLflow run under which the evaluation is shown; None is the active one, if there is any.
        directory: where the evaluation's files go; None is `_alpacabench/NAME` beside the checkpoint.
        environment: variables to add to this process's own.

    Raises:
        ConfigError: an override is none.
        StageError: the evaluation failed; the message has the end of its log.

    """
    require_overrides(overrides)
    checkpoint = Path(checkpoint)
    target = Path(directory) if directory else checkpoint.parent / FOLDER / checkpoint.name
    evaluation = Evaluation(checkpoint, target, overrides, step, TrainingRun.find(run_id), environment or {})
    return evaluation.run()


def require_overrides(overrides: Sequence[str]) -> None:
    """Refuse what is no override, and a directory, which the caller gives.

    Raises:
        ConfigError: names them.

    """
    wrong = [text for text in overrides if "=" not in text and not text.startswith("~")]
    if isinstance(overrides, str) or wrong:
        given = f"given {overrides!r}" if isinstance(overrides, str) else f"given {', '.join(map(repr, wrong))}"
        remedy = "give a list of Hydra overrides: ['judge=gpt_4_1_mini', 'subset.n=64']"
        raise ConfigError([Problem("overrides", given, remedy)])
    if any(text.partition("=")[0] == "hydra.run.dir" for text in overrides):
        raise ConfigError([Problem("overrides", "given hydra.run.dir", "give the directory as an argument")])


@dataclass
class Evaluation:
    """An evaluation of one checkpoint."""

    checkpoint: Path
    directory: Path
    overrides: Sequence[str]
    step: int | None
    training: TrainingRun | None
    environment: Mapping[str, str]
    stopped: bool = field(default=False, init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def run(self) -> dict[str, float]:
        """Run it to its end; return its metrics.

        Raises:
            StageError: it failed, or was stopped.

        """
        if self.stopped:
            raise StageError("stopped before it began")
        self.directory.mkdir(parents=True, exist_ok=True)
        found = self.directory / "metrics.json"
        found.unlink(missing_ok=True)
        with (self.directory / LOG).open("wb") as output:
            self._process = subprocess.Popen(
                self.command(), env=self._environment(), stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            if self.stopped:
                self.stop()
            code = self._process.wait()
        if code or not found.is_file():
            raise StageError(self._failure(code))
        metrics: dict[str, float] = json.loads(found.read_text(encoding="utf-8"))
        if self.training and self.step is not None:
            self.training.log(metrics, self.step)
        return metrics

    def stop(self) -> None:
        """Interrupt it, as Ctrl-C would, in whatever thread: what was answered is kept."""
        self.stopped = True
        process = self._process
        if process is None or process.poll() is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)

    def command(self) -> list[str]:
        """Return the command line."""
        chosen = {text.partition("=")[0] for text in self.overrides}
        ours = {"model.path": _quoted(str(self.checkpoint)), "hydra.run.dir": _quoted(str(self.directory))}
        if "model" not in chosen:
            ours = {"model": "hf"} | ours
        if self.training and "tracking=none" not in self.overrides:
            ours |= {"tracking.experiment": _quoted(self.training.experiment), "tracking.parent": self.training.run_id}
        if self.step is not None:
            ours["tracking.step"] = str(self.step)
        defaults = [f"{key}={value}" for key, value in ours.items() if key not in chosen]
        return [*COMMAND, *defaults, *self.overrides]

    def _environment(self) -> dict[str, str]:
        """Return this process's environment, where keys are, without what makes it a part of the training."""
        kept = [name for name in os.environ if name not in LAUNCHER and not name.startswith(LAUNCHERS)]
        # The URI may hold a password, so that it is no override.
        uri = {"MLFLOW_TRACKING_URI": self.training.uri} if self.training else {}
        # The evaluation is by the same code as this, wherever the training found it.
        paths = [str(PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        found = {"PYTHONPATH": os.pathsep.join(paths)}
        return {name: os.environ[name] for name in kept} | found | uri | dict(self.environment)

    def _failure(self, code: int) -> str:
        text = (self.directory / LOG).read_text(encoding="utf-8", errors="replace")
        lines = [line for line in text.splitlines() if line.strip()][-TAIL:]
        what = f"ended with exit code {code}" if code else "left no metrics: is it a sweep, or plan=true?"
        tail = "\n".join(f"    {line}" for line in lines)
        return f"the evaluation of {self.checkpoint.name} {what}; the whole log: {self.directory / LOG}\n{tail}"


def _quoted(text: str) -> str:
    """Return the text as Hydra's grammar takes it, whatever it holds."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
