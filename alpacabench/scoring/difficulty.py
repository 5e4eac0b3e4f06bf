"""What alpaca_eval publishes for length control, keyed by instruction text instead of by row position."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alpacabench.core.errors import DataError
from alpacabench.scoring.arrays import Floats

COLUMNS = ("model", "index", "preference", "std_delta_len", "instruction_difficulty", "not_gamed_baseline")


@dataclass(frozen=True)
class DifficultyTable:
    """Difficulty of each known instruction, and the two gamed baselines that regularise the fit."""

    difficulty: dict[str, float]
    """Instruction text to difficulty; higher is easier for the model."""
    order: dict[str, int]
    """Instruction text to row number in the data set."""
    gamed_features: Floats
    """Rows of the gamed baselines, shape (2 x instructions, 3): tanh length, difficulty, 0."""
    gamed_outcomes: Floats

    @classmethod
    def read(cls, path: Path | str, instructions: Sequence[str]) -> DifficultyTable:
        """Read `df_gamed.csv` and key it by `instructions`, all of the data set in its own order.

        Raises:
            DataError: missing file or column, a value that is no number, or another number of instructions.
        """
        rows = _read_rows(Path(path))
        by_index: dict[int, float] = {}
        for index, _, _, difficulty in rows:
            by_index.setdefault(index, difficulty)
        if sorted(by_index) != list(range(len(instructions))) or len(set(instructions)) != len(instructions):
            raise DataError(
                f"{path}: has difficulties for {len(by_index)} rows, the data set has {len(set(instructions))} "
                "distinct instructions. Give the whole data set in its own order, and the file that belongs to it."
            )
        gamed = np.array([(np.tanh(length), difficulty, 0.0) for _, _, length, difficulty in rows])
        return cls(
            difficulty={text: by_index[index] for index, text in enumerate(instructions)},
            order={text: index for index, text in enumerate(instructions)},
            gamed_features=gamed,
            gamed_outcomes=np.array([preference for _, preference, _, _ in rows]),
        )

    def unknown(self, instructions: Sequence[str]) -> list[str]:
        """Return the instructions that have no difficulty."""
        return [text for text in instructions if text not in self.difficulty]


def _read_rows(path: Path) -> list[tuple[int, float, float, float]]:
    """Return index, preference in [0, 1], standardised length difference and difficulty of each gamed row."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise DataError(f"{path}: lacks the columns {missing}; it must be alpaca_eval's df_gamed.csv.")
            return [_parse(row, path, number) for number, row in enumerate(reader)]
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); set scoring.lc_data to df_gamed.csv.") from error


def _parse(row: dict[str, str], path: Path, number: int) -> tuple[int, float, float, float]:
    try:
        preference, length = float(row["preference"]), float(row["std_delta_len"])
        values = int(row["index"]), preference, length, float(row["instruction_difficulty"])
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}, row {number}: {error}; every column but `model` is a number.") from error
    if not (0 <= preference <= 1 and np.all(np.isfinite(values))):
        raise DataError(f"{path}, row {number}: got {values}; allowed: finite numbers, preference in 0 to 1.")
    return values
