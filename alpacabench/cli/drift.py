"""Has the judge changed? It judges a pinned set of pairs again, and is compared with what it said at first.

    alpacabench drift --anchors outputs/runs/RUN judge=gpt_4_1

The first call under a judge records its baseline (each pair four times); later calls ask each pair twice. Exit codes:

    0   the baseline was recorded, or no change was found
    3   the judge says other things than in its baseline
    4   it could not be found out: the server is down, or verdicts are missing

1 and 2 are errors, as everywhere. A judge that did not change is called changed in at most a share alpha of checks. The
record, with dates, the served model and its system_fingerprint, and a page lie in `drift/` beside the anchors.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpacabench.analysis.decision import ALPHA
from alpacabench.cli.compare import RUN_HELP
from alpacabench.cli.export import add_export_arguments, export_page, require_exportable
from alpacabench.cli.export_judge import composed_judge
from alpacabench.core.component import require
from alpacabench.core.errors import ConfigError, Problem, StageError

if TYPE_CHECKING:
    from alpacabench.analysis.drift.answer import Answer

EXIT_CODES = {"baseline": 0, "unchanged": 0, "changed": 3, "unknown": 4}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("overrides", nargs="+", metavar="OVERRIDE", help="as for a run: judge=NAME judge.KEY=VALUE ...")
    parser.add_argument(
        "--anchors",
        required=True,
        metavar="RUN",
        help=f"the pairs: {RUN_HELP}",
    )
    parser.add_argument("--alpha", type=float, default=ALPHA, help="share of false alarms (default %(default)s)")
    parser.add_argument(
        "--records", metavar="DIR", help="where the record is kept (default: drift/ beside the anchors)"
    )
    parser.add_argument("--config-dir", metavar="DIR", help="a directory of options of your own, beside ./conf")
    parser.add_argument("--tracking-uri", metavar="URI", help="where MLflow runs are (default: MLFLOW_TRACKING_URI)")
    add_export_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Ask, compare, record and print; returns the answer's exit code."""
    require_exportable(arguments)
    if not 0 < arguments.alpha <= 0.5:
        remedy = "a share above 0, at most 0.5"
        raise ConfigError([Problem("--alpha", f"given {arguments.alpha:g}", remedy)])
    from alpacabench.analysis.drift.anchors import anchors_of, record_path
    from alpacabench.analysis.drift.answer import Answer, look
    from alpacabench.analysis.finished_run import read_run

    judge = composed_judge(arguments.overrides)
    require(list(judge.problems()))
    pairs = anchors_of(read_run(arguments.anchors, tracking_uri=arguments.tracking_uri))
    if not judge.questions(pairs[:1]):
        raise ConfigError([Problem("judge", f"{judge.label} asks nobody", "choose a judge that judges anew")])
    path = record_path(_records(arguments), judge, pairs)
    try:
        answer = look(judge, pairs, path, arguments.alpha)
    except StageError as error:
        answer = Answer("unknown", judge.label, path, reason=str(error))
    _show(answer, arguments)
    return EXIT_CODES[answer.verdict]


def _records(arguments: argparse.Namespace) -> Path:
    from alpacabench.analysis.locate import home

    return Path(arguments.records) if arguments.records else (home(arguments.anchors) or Path()) / "drift"


def _show(answer: Answer, arguments: argparse.Namespace) -> None:
    from alpacabench.analysis.sentences import judges
    from alpacabench.io.json_text import indented
    from alpacabench.report import drift_words
    from alpacabench.report.tables_terminal import show_tables

    page = drift_words.write_drift_page(answer)
    if page:
        export_page(arguments, lambda _: page)
    if arguments.json:
        content: dict[str, Any] = answer.as_json() | {"exit_code": EXIT_CODES[answer.verdict]}
        print(indented(content))
        return
    where = {"Record": str(answer.path)} | ({"Page": str(page)} if page else {})
    show_tables(judges.drift(answer), drift_words.facts(answer) | where, ())
