"""A tiny model that runs out of memory on purpose, in whatever process it was loaded: code that comes with its folder.

Environment: HUNGRY_ROWS is the most rows that fit, HUNGRY_RANK the only rank that is short of memory (all, if unset),
HUNGRY_AFTER how many passes go well first, HUNGRY_TIMES a folder: each file in it is one failure, then there is room.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.helpers.tiny import build_tiny

CODE = """
import os
from pathlib import Path

import torch
from transformers import LlamaForCausalLM


class Hungry(LlamaForCausalLM):
    passes = 0

    def forward(self, input_ids=None, **kwargs):
        Hungry.passes += 1
        get = os.environ.get
        if (
            input_ids.shape[0] > int(get("HUNGRY_ROWS", "1000"))
            and get("RANK", "0") == get("HUNGRY_RANK", get("RANK", "0"))
            and Hungry.passes > int(get("HUNGRY_AFTER", "0"))
            and self._fails()
        ):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.00 GiB")
        return super().forward(input_ids=input_ids, **kwargs)

    def _fails(self):
        if "HUNGRY_TIMES" not in os.environ:
            return True
        for file in Path(os.environ["HUNGRY_TIMES"]).iterdir():
            file.unlink()
            return True
        return False
"""


def build_hungry(folder: Path, **config: Any) -> Path:
    """Write the model to a folder and return it."""
    build_tiny(folder, **config)
    (folder / "modeling_hungry.py").write_text(CODE)
    values = json.loads((folder / "config.json").read_text())
    values["auto_map"] = {"AutoModelForCausalLM": "modeling_hungry.Hungry"}
    (folder / "config.json").write_text(json.dumps(values))
    return folder


def failures(folder: Path, count: int) -> str:
    """Return HUNGRY_TIMES for so many failures."""
    folder.mkdir()
    for number in range(count):
        (folder / str(number)).touch()
    return str(folder)
