"""Checkpoints that wait for their evaluation: `save_total_limit` may delete the originals meanwhile."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

NEEDLESS = (
    "optimizer*", "scheduler*", "scaler*", "rng_state*", "trainer_state.json", "training_args.bin", "global_step*"
)  # fmt: skip
"""Files of a checkpoint that only training reads."""


def hold(checkpoint: Path, target: Path) -> Path:
    """Return a second place of the model's files, as hard links where the file system has them, else as copies."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(checkpoint, target, ignore=shutil.ignore_patterns(*NEEDLESS), copy_function=_link)
    return target


def release(held: Path) -> None:
    """Remove what `hold` made."""
    shutil.rmtree(held, ignore_errors=True)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
