"""A callback of transformers' Trainer that evaluates checkpoints while training goes on."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from alpacabench.core.errors import StageError
from alpacabench.training.evaluation import FOLDER, Evaluation, require_overrides
from alpacabench.training.evaluation_queue import EvaluationQueue
from alpacabench.training.held import hold
from alpacabench.training.training_run import TrainingRun

log = logging.getLogger(__name__)

WAITING = "waiting"
"""Folder of the checkpoints that wait."""


class AlpacaEvalCallback(TrainerCallback):  # type: ignore[misc]
    """Evaluates checkpoints one after another, in a process beside the training, on the main process only."""

    def __init__(
        self,
        overrides: Sequence[str] = (),
        *,
        at: Literal["save", "end"] = "save",
        on_failure: Literal["warn", "raise"] = "warn",
        blocking: bool = False,
        wait_seconds: float = 3600.0,
        run_id: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare; nothing is started before the first checkpoint.

        Args:
            overrides: Hydra overrides, as on the command line.
            at: every checkpoint that is saved, or only the one that training ends with (the best, under
                `load_best_model_at_end`).
            on_failure: `warn` lets training go on whatever happens; `raise` ends it with an error at the next save or
                at its end.
            blocking: whether training waits for each evaluation.
            wait_seconds: how long the end of training waits for the evaluations that are still to be done (and each
                save, where `blocking`); what is not done by then is stopped and counts as failed.
            run_id: the MLflow run of the training; None is the active one, if there is any.
            environment: variables to add for the evaluation, such as CUDA_VISIBLE_DEVICES.

        Raises:
            ConfigError: an override is none.

        """
        require_overrides(overrides)
        self._overrides, self._environment = tuple(overrides), dict(environment or {})
        self._at, self._on_failure = at, on_failure
        self._blocking, self._wait_seconds = blocking, wait_seconds
        self._run_id = run_id
        self._training: TrainingRun | None = None
        self._queue = EvaluationQueue(self._failed)
        self._failures: list[str] = []

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Find the training's MLflow run while it is active."""
        if not state.is_world_process_zero:
            return
        try:
            self._training = TrainingRun.find(self._run_id)
        # Whatever is wrong with the server: training goes on.
        except Exception as error:
            self._failed(f"the training's MLflow run cannot be read, so no evaluation is shown under it: {error}")

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Queue the checkpoint that was just saved."""
        if state.is_world_process_zero and self._at == "save":
            self._submit(_saved(args, state.global_step), state.global_step)
            if self._blocking:
                self._queue.finish(self._wait_seconds)
            self._raise()

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Wait for the evaluations that are still to be done."""
        if not state.is_world_process_zero:
            return
        if self._at == "end":
            step = state.best_global_step if args.load_best_model_at_end else state.global_step
            self._submit(_saved(args, step or state.global_step), step or state.global_step)
        self._queue.finish(self._wait_seconds)
        self._raise()

    def _submit(self, checkpoint: Path, step: int) -> None:
        folder = checkpoint.parent / FOLDER
        try:
            held = hold(checkpoint, folder / WAITING / checkpoint.name)
        except OSError as error:
            self._failed(f"{checkpoint} cannot be evaluated: {error}\n    training must save it: see save_strategy")
            return
        target = folder / checkpoint.name
        self._queue.put(Evaluation(held, target, self._overrides, step, self._training, self._environment))

    def _failed(self, message: str) -> None:
        log.warning("alpacabench: %s", message)
        self._failures.append(message)

    def _raise(self) -> None:
        if self._on_failure == "raise" and self._failures:
            raise StageError("\n".join(self._failures))


def _saved(args: TrainingArguments, step: int) -> Path:
    return Path(args.output_dir) / f"{PREFIX_CHECKPOINT_DIR}-{step}"
