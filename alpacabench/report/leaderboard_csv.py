"""Leaderboard files, in alpaca_eval's own columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from alpacabench.analysis.leaderboard import MODE, Leaderboard
from alpacabench.report.csv_file import write_rows

COLUMNS = (
    "win_rate", "standard_error", "n_wins", "n_wins_base", "n_draws", "n_total", "discrete_win_rate", "mode",
    "avg_length", "length_controlled_winrate", "lc_standard_error",
)  # fmt: skip
"""alpaca_eval's own columns, after the unnamed one with the model's name."""
INTERVALS = ("win_rate_ci_low", "win_rate_ci_high", "lc_ci_low", "lc_ci_high")


def write_leaderboard(path: Path, name: str, metrics: Mapping[str, float]) -> Path:
    """Write a run's `leaderboard.csv`: one row in alpaca_eval's columns, and the intervals behind them."""
    return _write(path, [{"": name, "mode": MODE, **metrics}])


def write_csv(path: Path, board: Leaderboard) -> Path:
    """Write all rows, best first, in alpaca_eval's columns, with intervals."""
    rows = []
    for row in board.rows:
        low, high = row.win_rate.interval or ("", "")
        lc_low, lc_high = (row.lc.interval if row.lc else None) or ("", "")
        rows.append(dict(zip(INTERVALS, (low, high, lc_low, lc_high), strict=True)) | {"": row.name, **row.values})
    return _write(path, rows)


def _write(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    return write_rows(path, ["", *COLUMNS, *INTERVALS], rows)
