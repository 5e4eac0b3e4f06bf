"""500 bootstrap refits of the length-controlled win rate: ours against alpaca_eval's official fit.

    python benchmarks/scoring.py [--rows 805] [--refits 500] [--official 20]

Both fit the same made-up verdicts, in turn and in one process, so that the ratio does not depend on the machine.
alpaca_eval's fits are timed one by one and scaled to the number of refits; `--official 500` runs them all.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
import warnings
from pathlib import Path
from unittest.mock import patch

import numpy as np

from alpacabench.scoring.difficulty import COLUMNS, DifficultyTable
from alpacabench.scoring.length_control import JUDGE, REFERENCE, LengthControlled, length_controlled
from alpacabench.scoring.pairs import Pairs

ROUNDS = 4


def write_table(path: Path, rows: int) -> list[str]:
    """Write difficulties and gamed baselines in alpaca_eval's format; return the instructions."""
    rng = np.random.default_rng(0)
    difficulty = rng.normal(0, 1.5, rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for name, shift in (("verbose", -1.5), ("concise", 1.5)):
            lengths = rng.normal(shift, 1, rows)
            p = 1 / (1 + np.exp(1.5 * np.tanh(lengths) - 0.2 * difficulty))
            writer.writerows([name, i, p[i], lengths[i], difficulty[i], False] for i in range(rows))
    return [f"prompt {i}" for i in range(rows)]


def verdicts(rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return preferences, lengths and reference lengths of a made-up run."""
    rng = np.random.default_rng(1)
    lengths, references = rng.integers(100, 3000, (2, rows))
    difference = references - lengths
    p = 1 / (1 + np.exp(1.5 * np.tanh(difference / difference.std(ddof=1)) + 1 + rng.normal(0, 1, rows)))
    return 1.0 + (rng.random(rows) < p), lengths, references


def seconds_per_official_fit(table: Path, rows: int, fits: int) -> float:
    """Return the mean time of alpaca_eval's own function, reading `table` instead of the Hub."""
    import pandas as pd
    import sklearn
    from alpaca_eval.metrics import glm_winrate

    preferences, lengths, references = verdicts(rows)
    frame = pd.DataFrame({"preference": preferences, "annotator": "judge"})
    frame["output_1"], frame["output_2"] = (["x" * int(k) for k in column] for column in (references, lengths))
    frame["generator_1"], frame["generator_2"] = "reference", "model"
    with patch.object(glm_winrate, "hf_hub_download", lambda **_: str(table)), sklearn.config_context():
        start = time.perf_counter()
        for _ in range(fits):
            glm_winrate.get_length_controlled_winrate(frame, save_weights_dir=None)
        return (time.perf_counter() - start) / fits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=805)
    parser.add_argument("--refits", type=int, default=500)
    parser.add_argument("--official", type=int, default=20)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "df_gamed.csv"
        instructions = write_table(path, options.rows)
        table = DifficultyTable.read(path, instructions)
        pairs = Pairs.of(instructions, *verdicts(options.rows))
        seconds_per_official_fit(path, options.rows, 1)  # its imports are not what is compared
        for _ in range(ROUNDS):
            start = time.perf_counter()
            result = length_controlled(pairs, table, JUDGE, REFERENCE, draws=options.refits)
            ours.append(time.perf_counter() - start)
            assert isinstance(result, LengthControlled)
            theirs.append(seconds_per_official_fit(path, options.rows, max(1, options.official // ROUNDS)))
    refits, fits = float(np.median(ours)), float(np.median(theirs)) * options.refits
    print(f"{options.refits} refits of {options.rows} rows: ours {refits:.2f} s, alpaca_eval {fits:.1f} s")
    print(f"ratio {fits / refits:.0f}x")


if __name__ == "__main__":
    main()
