"""`alpacabench compare A B`: the paired comparison of two finished runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from alpacabench.analysis.decision import MARGIN
from alpacabench.analysis.finished_run import FinishedRun, read_references, read_run
from alpacabench.cli.export import add_export_arguments, export_page, require_exportable
from alpacabench.io.json_text import indented

if TYPE_CHECKING:
    from alpacabench.analysis.compare.comparison import Comparison

RUN_HELP = (
    "a run directory, an annotation file (alpaca_eval's too, also .gz), an MLflow run id, or latest, latest-1, ..."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("base", help=f"what B is compared with: {RUN_HELP}")
    parser.add_argument("run", help="the other run; differences are this one's minus the base's")
    add_file_arguments(parser)
    parser.add_argument("--outputs", nargs=2, metavar=("A", "B"), help="the models' outputs, where they lie elsewhere")
    parser.add_argument("--margin", type=float, default=MARGIN, help="points within which the runs count as equivalent")
    parser.add_argument("--flips", type=int, default=5, help="how many flipped prompts the terminal shows")
    parser.add_argument("--json", action="store_true", help="print everything as JSON instead of tables")
    parser.add_argument("--html", metavar="FILE", help="also write a page with plots, and its explorer")
    add_export_arguments(parser)


def add_file_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the files that a run does not hold itself: what length control needs, and where MLflow is."""
    parser.add_argument(
        "--lc-data", metavar="FILE", help="alpaca_eval's df_gamed.csv, for length control (default: the runs' own)"
    )
    parser.add_argument(
        "--dataset", metavar="FILE", help="the whole data set in its own order with its reference outputs"
    )
    parser.add_argument("--tracking-uri", metavar="URI", help="where MLflow runs are (default: MLFLOW_TRACKING_URI)")


def run(arguments: argparse.Namespace) -> int:
    """Compare and print; returns 0."""
    from alpacabench.analysis.compare.comparison import compare
    from alpacabench.analysis.compare.page import page_of
    from alpacabench.analysis.difficulty_files import read_difficulties
    from alpacabench.report.compare_report import MAIN, write_compare_report

    require_exportable(arguments)
    base, other = read_pair(arguments, arguments.base, arguments.run)
    table = read_difficulties(arguments.lc_data, arguments.dataset, [base.difficulty_files, other.difficulty_files])
    comparison = compare(base, other, table, arguments.margin)
    if arguments.html:
        _write(Path(arguments.html), comparison, arguments.tracking_uri)
    export_page(arguments, lambda path: write_compare_report(path, page_of(comparison)), MAIN)
    if arguments.json:
        print(indented(comparison.as_json()))
        return 0
    from alpacabench.report.compare_terminal import show
    from alpacabench.security.console import Console

    show(comparison, Console(), arguments.flips)
    return 0


def _write(page: Path, comparison: Comparison, tracking_uri: str | None) -> None:
    """Write the page and its explorer."""
    from alpacabench.analysis.compare.page import page_of
    from alpacabench.analysis.explorer.finished import of_runs
    from alpacabench.report.compare_report import write_compare_report
    from alpacabench.report.explorer_page import EVERY_ANSWER, write_explorer

    sides = [(run.name, run) for run in (comparison.base, comparison.run)]
    title = f"{comparison.run.name} against {comparison.base.name}"
    explorer = write_explorer(page, of_runs(title, sides, 0, {}, tracking_uri))
    write_compare_report(page, page_of(comparison), {EVERY_ANSWER: explorer.name})


def read_pair(arguments: argparse.Namespace, base: str, run: str) -> tuple[FinishedRun, FinishedRun]:
    """Return both runs with the files that the arguments name."""
    references = read_references(arguments.dataset)
    outputs = getattr(arguments, "outputs", None) or (None, None)
    return (
        read_run(base, outputs[0], references, arguments.tracking_uri),
        read_run(run, outputs[1], references, arguments.tracking_uri),
    )
