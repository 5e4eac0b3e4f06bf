"""Place finished runs among the published rows that alpaca_eval ships, with intervals.

    alpacabench leaderboard outputs/runs/RUN --lc-data df_gamed.csv --dataset alpaca_eval_gpt4_baseline.json

Judges and references are never mixed: a run is placed among the rows of its own judge and reference, or refused.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from alpacabench.analysis.finished_run import read_references, read_run
from alpacabench.analysis.leaderboard import METRICS, Leaderboard, build
from alpacabench.cli.compare import RUN_HELP, add_file_arguments
from alpacabench.cli.export import add_export_arguments, export_page, require_exportable
from alpacabench.report.leaderboard_csv import write_csv


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help=RUN_HELP)
    add_file_arguments(parser)
    parser.add_argument("--by", choices=METRICS, help="what to sort by (default: length-controlled where it is known)")
    parser.add_argument("--around", type=int, default=3, help="published rows shown above and below each run; -1: all")
    parser.add_argument("--csv", metavar="FILE", help="also write all rows as alpaca_eval's leaderboard file")
    parser.add_argument("--html", metavar="FILE", help="also write a page with a plot")
    add_export_arguments(parser)
    parser.add_argument("--svg", metavar="FILE", help="also write the plot alone")


def run(arguments: argparse.Namespace) -> int:
    """Place the runs and print the table; returns 0."""
    from alpacabench.analysis.difficulty_files import read_difficulties
    from alpacabench.report.leaderboard_page import write_html, write_svg

    require_exportable(arguments)
    references = read_references(arguments.dataset)
    runs = [read_run(given, None, references, arguments.tracking_uri) for given in arguments.runs]
    table = read_difficulties(arguments.lc_data, arguments.dataset, [run.difficulty_files for run in runs])
    board = build(runs, table, arguments.by)
    if arguments.csv:
        write_csv(Path(arguments.csv), board)
    export_page(arguments, lambda path: write_html(path, board))
    if arguments.html or arguments.svg:
        for path, write in ((arguments.html, write_html), (arguments.svg, write_svg)):
            if path:
                write(path, board)
    _show(board, arguments.around)
    return 0


def _show(board: Leaderboard, around: int) -> None:
    from rich.table import Table
    from rich.text import Text

    from alpacabench.security.console import Console

    console = Console()
    console.print(Text(f"Judge {board.judge}, reference {board.reference}, by {board.metric}"))
    table = Table(caption="% (95% interval); alpaca_eval publishes no usable interval of length-controlled win rates")
    table.add_column("Place", justify="right")
    table.add_column("Model")
    table.add_column("Win rate", justify="right")
    table.add_column("Length-controlled", justify="right")
    shown = _neighbours(board, around)
    for index in shown:
        row = board.rows[index]
        cells = (str(board.places[index].rank), Text(row.name), row.win_rate.text(), row.lc.text() if row.lc else "")
        table.add_row(*cells, style="bold" if row.own else "", end_section=index + 1 not in shown)
    console.print(table)
    for place in board.places:
        if place.row.own:
            console.print(Text(f"{place.row.name}: {place}"))
    for note in board.notes:
        console.print(Text(f"Note: {note}"))


def _neighbours(board: Leaderboard, around: int) -> list[int]:
    """Return the indices of the rows near a run."""
    everything = range(len(board.rows))
    own = [index for index in everything if board.rows[index].own]
    return [i for i in everything if around < 0 or any(abs(i - index) <= around for index in own)]
