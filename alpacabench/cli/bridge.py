"""The same answers under two judges: offset, agreement, and a table that moves win rates to the new judge.

    alpacabench bridge outputs/runs/UNDER_THE_OLD_JUDGE outputs/runs/UNDER_THE_NEW_ONE --html bridge.html

Both runs must hold the same answers and references; only prompts with a verdict of both count.
"""

from __future__ import annotations

import argparse

from alpacabench.cli.compare import RUN_HELP
from alpacabench.cli.export import add_export_arguments, export_page, require_exportable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("old", metavar="RUN_OLD", help=f"under the old judge: {RUN_HELP}")
    parser.add_argument("new", metavar="RUN_NEW", help="the same answers under the new judge")
    parser.add_argument("--dataset", metavar="FILE", help="the data set with its reference outputs")
    parser.add_argument("--outputs", metavar="FILE", help="the model's outputs, where the runs do not hold them")
    parser.add_argument("--tracking-uri", metavar="URI", help="where MLflow runs are (default: MLFLOW_TRACKING_URI)")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--html", metavar="FILE", help="also write a page")
    add_export_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compare the judges and print; returns 0."""
    from alpacabench.analysis.bridge import bridge
    from alpacabench.analysis.finished_run import read_references, read_run
    from alpacabench.analysis.sentences import judges
    from alpacabench.io.json_text import indented
    from alpacabench.report import bridge_words
    from alpacabench.report.tables_terminal import show_tables

    require_exportable(arguments)
    references = read_references(arguments.dataset)
    old, new = (
        read_run(given, arguments.outputs, references, arguments.tracking_uri)
        for given in (arguments.old, arguments.new)
    )
    found = bridge(old, new)
    export_page(arguments, lambda path: bridge_words.write_bridge_page(path, found))
    if arguments.html:
        bridge_words.write_bridge_page(arguments.html, found)
    if arguments.json:
        print(indented(found.as_json()))
        return 0
    tables = [(bridge_words.SIDES, bridge_words.sides(found)), (bridge_words.CONVERT, bridge_words.conversion(found))]
    show_tables(judges.bridge(found), bridge_words.rows(found), tables)
    return 0
