"""A leaderboard as a page, and its plot as a file of its own."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from markupsafe import Markup

from alpacabench.analysis.estimate import finite
from alpacabench.analysis.leaderboard import Leaderboard
from alpacabench.report import leaderboard_report as report
from alpacabench.report.plot.forest import Forest, ForestRow, forest
from alpacabench.report.svg import element

WIDTH = 900.0
PAD = 16.0
LABELS = {"win_rate": "Win rate", "length_controlled_winrate": "Length-controlled win rate"}


def write_html(path: Path | str, board: Leaderboard) -> Path:
    """Write the page of a leaderboard."""
    return report.write_leaderboard_report(path, _content(board))


def write_svg(path: Path | str, board: Leaderboard) -> Path:
    """Write the plot of the runs and their neighbours: one SVG that needs no style sheet, for light and dark."""
    controlled = board.metric == "length_controlled_winrate"
    rows = [
        ForestRow(
            f"{row.rank}  {row.name}",
            row.lc if controlled else row.win_rate,
            "your run" if row.own else "",
            "own" if row.own else "muted",
        )
        for row in report.shown(_content(board).rows)
    ]
    drawing = forest(Forest(rows, f"{LABELS[board.metric]}, % (95% interval)", limits=(0, 100)), WIDTH)
    width, height = drawing.width + 2 * PAD, drawing.height + 2 * PAD
    svg = element(
        "svg",
        element("title", f"{LABELS[board.metric]}, judge {board.judge}, reference {board.reference}"),
        element("style", Markup(_style())),
        element("rect", width=width, height=height, style="fill: var(--card)"),
        element("g", drawing.body, transform=f"translate({PAD:g} {PAD:g})"),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:g} {height:g}",
        width=width,
        height=height,
        style="font-family: system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif",
    )
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{svg}\n", encoding="utf-8")
    return path


def _style() -> str:
    """Return the colours and the rules for drawings of the pages' style sheet."""
    sheet = (files("alpacabench.report") / "templates" / "style.css").read_text(encoding="utf-8")
    colours, _, rules = sheet.partition("* {")
    return colours + "\n".join(line for line in rules.splitlines() if line.startswith(("svg .", "svg text")))


def _content(board: Leaderboard) -> report.Leaderboard:
    rows = []
    for place in board.places:
        row = place.row
        length = row.values.get("avg_length")
        rows.append(
            report.LeaderboardRow(
                name=row.name,
                rank=place.rank,
                win_rate=row.win_rate,
                lc=row.lc,
                n=row.values["n_total"],
                avg_length=float(length) if finite(length) or (isinstance(length, str) and length) else None,
                own=row.own,
                place=str(place),
            )
        )
    return report.Leaderboard(board.judge, board.reference, tuple(rows), board.metric, warnings=board.notes)
