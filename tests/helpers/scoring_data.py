"""The recorded runs as columns, the published leaderboard, and synthetic runs with a known truth."""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from alpacabench.scoring.difficulty import COLUMNS, DifficultyTable
from alpacabench.scoring.pairs import Pairs

MODELS = (
    "FuseChat-Llama-3.1-8B-Instruct",
    "FuseChat-Llama-3.2-1B-Instruct",
    "FuseChat-Llama-3.2-3B-Instruct",
    "NullModel",
    "alpaca-7b",
    "claude-2.1",
    "gpt-3.5-turbo-1106",
    "gpt-3.5-turbo-1106_concise",
    "gpt-3.5-turbo-1106_verbose",
    "phi-2",
    "vicuna-13b-v1.5",
    "vicuna-13b-v1.5-togetherai",
    "vicuna-7b-v1.5",
)
COMPLETE = tuple(name for name in MODELS if name != "phi-2")


@dataclass(frozen=True)
class Run:
    """One run's columns; row i of each is one prompt."""

    instructions: list[str]
    preferences: list[float]
    outputs: list[str]
    references: list[str]

    def rows(self, order: Any) -> Run:
        columns = (self.instructions, self.preferences, self.outputs, self.references)
        return Run(*([column[i] for i in order] for column in columns))

    @property
    def pairs(self) -> Pairs:
        lengths, reference_lengths = ([len(text) for text in column] for column in (self.outputs, self.references))
        return Pairs.of(self.instructions, self.preferences, lengths, reference_lengths)


def read_gz(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return json.load(file)


def recorded(data: Path, model: str) -> Run:
    annotations = read_gz(data / f"{model}.annotations.json.gz")
    outputs = {row["instruction"]: row["output"] for row in read_gz(data / f"{model}.outputs.json.gz")}
    reference = {row["instruction"]: row["output"] for row in read_gz(data / "gpt4_1106_preview.outputs.json.gz")}
    keys = [row["instruction"] for row in annotations]
    preferences = [row["preference"] for row in annotations]
    return Run(keys, preferences, [outputs[key] for key in keys], [reference[key] for key in keys])


def real_table(data: Path) -> DifficultyTable:
    prompts = read_gz(data / "gpt4_1106_preview.outputs.json.gz")
    return DifficultyTable.read(data / "df_gamed.csv", [row["instruction"] for row in prompts])


def leaderboard() -> dict[str, dict[str, str]]:
    """Return the published rows that alpaca_eval ships, without importing it."""
    spec = find_spec("alpaca_eval")
    assert spec is not None and spec.origin is not None
    folder = Path(spec.origin).parent / "leaderboards" / "data_AlpacaEval_2"
    with (folder / "weighted_alpaca_eval_gpt4_turbo_leaderboard.csv").open(encoding="utf-8", newline="") as file:
        return {row[""]: row for row in csv.DictReader(file)}


def synthetic_table(folder: Path, n: int = 200) -> tuple[list[str], DifficultyTable]:
    """Write a small difficulty file of our own and read it back."""
    rng = np.random.default_rng(7)
    difficulty = rng.normal(0, 1.5, n)
    path = folder / "df_gamed.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for name, shift in (("verbose", -1.5), ("concise", 1.5)):
            lengths = rng.normal(shift, 1, n)
            p = 1 / (1 + np.exp(1.5 * np.tanh(lengths) - 0.2 * difficulty))
            writer.writerows(
                [name, i, repr(float(p[i])), repr(float(lengths[i])), repr(float(difficulty[i])), False]
                for i in range(n)
            )
    instructions = [f"prompt {i} about {word}" for i, word in enumerate(rng.permutation(n))]
    return instructions, DifficultyTable.read(path, instructions)


def synthetic_run(instructions: list[str], table: DifficultyTable, seed: int, level: float = -0.5) -> Run:
    """Draw nearly binary verdicts from the model that length control assumes."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(100, 3000, (2, len(instructions)))
    difference = lengths[1] - lengths[0]
    difficulty = np.array([table.difficulty[text] for text in instructions])
    eta = -1.5 * np.tanh(difference / difference.std(ddof=1)) + 0.5 * difficulty + level
    won = rng.random(len(instructions)) < 1 / (1 + np.exp(-eta))
    preferences = np.where(won, 2 - rng.uniform(0, 0.05, len(won)), 1 + rng.uniform(0, 0.05, len(won)))
    return Run(instructions, preferences.tolist(), ["x" * k for k in lengths[0]], ["x" * k for k in lengths[1]])
