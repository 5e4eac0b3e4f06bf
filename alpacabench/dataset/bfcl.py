"""BFCL, the Berkeley Function Calling Leaderboard, read from the installed package `bfcl-eval` (Apache-2.0)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from alpacabench.core.errors import DataError, Problem
from alpacabench.dataset.base import Dataset
from alpacabench.io.rows import Row

INSTALL = "pip install --no-deps bfcl-eval"
Category = Literal["simple", "multiple", "irrelevance", "multi_turn_base"]
FILES: dict[str, str] = {
    "simple": "simple_python",
    "multiple": "multiple",
    "irrelevance": "irrelevance",
    "multi_turn_base": "multi_turn_base",
}
PREFIX = "BFCL_v4_"


class BFCL(Dataset):
    """Patil et al., The Berkeley Function Calling Leaderboard (ICML 2025), version 4; it has no reference answers."""

    categories: list[Category] = ["simple", "multiple", "irrelevance", "multi_turn_base"]
    """Python's simple calls, one of several functions, none of the functions, and dialogues over simulated services."""

    def problems(self) -> Iterator[Problem]:
        """Yield that the package is missing."""
        if not self.path and not find_spec("bfcl_eval"):
            yield Problem("dataset", "the package bfcl-eval is not installed", INSTALL)
        if not self.categories:
            yield Problem("dataset.categories", "given none", f"allowed: {', '.join(FILES)}")
        if self.path and not Path(self.path).expanduser().is_dir():
            yield Problem("dataset.path", f"given '{self.path}', no folder", "give the folder of BFCL's data, or null")

    def rows(self) -> tuple[list[Row], str]:
        """Return one row per question, with its `functions` and what is right under `bfcl`.

        Raises:
            DataError: the package is missing, or holds no questions.

        """
        try:
            folder: Any = Path(self.path).expanduser() if self.path else files("bfcl_eval") / "data"
            rows = [row for category in self.categories for row in _rows(folder, category)]
        except (ImportError, OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise DataError(f"dataset: BFCL's data cannot be read: {error!r}\n    {INSTALL}") from error
        return _told_apart(rows), str(folder)


def _rows(folder: Any, category: str) -> Iterator[Row]:
    name = f"{PREFIX}{FILES[category]}.json"
    # Where no function is right there is no file of right calls.
    answers = [] if category == "irrelevance" else _lines(folder / "possible_answer" / name)
    truths = {answer["id"]: answer["ground_truth"] for answer in answers}
    for given in _lines(folder / name):
        kept: Row = {key: given[key] for key in ("initial_config", "involved_classes") if key in given}
        right = {"id": given["id"], "category": category, "ground_truth": truths.get(given["id"], []), **kept}
        said = [[message for message in turn if message["role"] == "user"] for turn in given["question"]]
        turns = [message["content"] for turn in said for message in turn]
        row: Row = {"dataset": "bfcl", "category": category, "bfcl": right}
        if category == "multi_turn_base":
            yield row | {"turns": turns}
        else:
            yield row | {"instruction": turns[0], "functions": given["function"]}


def _lines(file: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def _told_apart(rows: list[Row]) -> list[Row]:
    """Return rows whose prompts all differ, as everything is joined by them: one that stands again ends in spaces."""
    seen: Counter[str] = Counter()
    found = []
    for row in rows:
        key = "turns" if "turns" in row else "instruction"
        said = json.dumps(row[key])
        again = " " * seen[said]
        seen[said] += 1
        text = row[key]
        row[key] = [*text[:-1], text[-1] + again] if key == "turns" else text + again
        found.append(row)
    return found
