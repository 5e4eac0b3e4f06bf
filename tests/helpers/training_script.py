"""A training as a user writes one: ten steps of a tiny Llama, checkpoints at 5 and 10, evaluated by the callback.

python -m tests.helpers.training_script MODEL OUTPUT CALLBACK_ARGUMENTS_AS_JSON [TRAINING_ARGUMENTS_AS_JSON]
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from alpacabench.judge.base import Question
from alpacabench.judge.longest import Longest
from alpacabench.store.ask_once import Reply

LAST_STEP = "TEST_LAST_STEP"
"""Environment: a file that the training writes at its last step."""


class WaitsForTraining(Longest):
    """Judges only once the training has taken its last step: a training that waits for it would wait for ever."""

    def ask(self, questions: list[Question]) -> Iterable[Reply]:
        Path(os.environ[LAST_STEP] + ".waited_for").touch()
        while not Path(os.environ[LAST_STEP]).exists():
            time.sleep(0.1)
        return super().ask(questions)


def main(model_path: str, output: str, options: dict[str, Any], training: dict[str, Any]) -> None:
    import torch
    from transformers import (
        AutoModelForCausalLM,
        AutoTokenizer,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    from alpacabench.training import AlpacaEvalCallback

    torch.set_num_threads(1)
    logging.basicConfig(level=logging.INFO, format="%(name)s %(message)s")

    class LastStep(TrainerCallback):
        """Says that the last step is taken, before the end of training waits for anything."""

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step == state.max_steps:
                Path(os.environ[LAST_STEP]).touch()

    tokenizer = AutoTokenizer.from_pretrained(model_path)
    rows = [{"input_ids": ids, "labels": ids} for ids in (list(range(5, 21)), list(range(21, 37))) for _ in range(10)]
    arguments = {
        "max_steps": 10, "save_steps": 5, "per_device_train_batch_size": 2, "logging_steps": 5, "report_to": "mlflow",
        "use_cpu": True, "disable_tqdm": True,
    }  # fmt: skip
    trainer = Trainer(
        model=AutoModelForCausalLM.from_pretrained(model_path),
        args=TrainingArguments(output, **(arguments | training)),
        train_dataset=rows,
        processing_class=tokenizer,
        data_collator=lambda batch: {key: torch.tensor([row[key] for row in batch]) for key in batch[0]},
        callbacks=[LastStep(), AlpacaEvalCallback(**options)],
    )
    trainer.train()
    print("trained", trainer.state.global_step)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), json.loads(sys.argv[4]) if len(sys.argv) > 4 else {})
