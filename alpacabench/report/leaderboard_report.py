"""The leaderboard page: runs among the published models, each with its interval, one judge and one reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alpacabench.analysis.estimate import Estimate
from alpacabench.report.page import Figure, figure, write_page
from alpacabench.report.plot.forest import Forest, ForestRow, forest

NEIGHBOURS = 12
"""Published models that are drawn above and below each run; the table holds all."""


@dataclass(frozen=True, slots=True)
class LeaderboardRow:
    """One model; rates in percentage points."""

    name: str
    rank: int
    win_rate: Estimate
    lc: Estimate | None = None
    n: int | None = None
    avg_length: float | None = None
    """Mean length of the answers in characters."""
    own: bool = False
    """Whether it is one of the user's runs."""
    place: str = ""
    """The rank with its interval and the number of rows, in words."""


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """Everything that the page shows; the rows in the order of their rank."""

    judge: str
    reference: str
    rows: tuple[LeaderboardRow, ...]
    ranked_by: str = "win_rate"
    """`win_rate` or `length_controlled_winrate`: what the rank and the plot show."""
    warnings: tuple[str, ...] = ()


def write_leaderboard_report(path: Path | str, board: Leaderboard) -> Path:
    """Write the page of one leaderboard; needs no network to be read."""
    return write_page(
        path,
        "leaderboard.html",
        title="Leaderboard",
        board=board,
        own=[row for row in board.rows if row.own],
        plot=_plot(board),
    )


def shown(rows: Sequence[LeaderboardRow]) -> list[LeaderboardRow]:
    """Return the rows of every run and of its neighbours."""
    own = [index for index, row in enumerate(rows) if row.own] or [0]
    return [row for i, row in enumerate(rows) if any(abs(i - place) <= NEIGHBOURS for place in own)]


def _plot(board: Leaderboard) -> Figure | None:
    controlled = board.ranked_by == "length_controlled_winrate"
    near = [(row, row.lc if controlled else row.win_rate) for row in shown(board.rows)]
    rows = [
        ForestRow(f"{row.rank}  {row.name}", rate, "your run" if row.own else "", "own" if row.own else "muted")
        for row, rate in near
        if rate
    ]
    if not rows:
        return None
    axis = "Length-controlled win rate" if controlled else "Win rate"
    plot = Forest(rows, f"{axis}, % (95% interval)", limits=(0, 100))
    return figure(
        "board",
        f"{axis} of the runs and of their neighbours",
        "The number is the rank. Where intervals overlap, the rank may be chance. Published models without "
        "an interval are points only.",
        lambda width: forest(plot, width),
        ("Rank and model", f"{axis}, % (95% interval)"),
        [(row.label, row.estimate.text()) for row in rows if row.estimate],
        wide=True,
    )
