"""Say how far a run's judge is to be trusted: its biases, whether the score was earned, its agreement with people.

    alpacabench trust outputs/runs/RUN --labels ann.json --labels bea.csv

Each finding is ok, flag or unknown; unknown where there is too little to say. An unbiased judge has a bias flagged in
at most 5% of runs, all tests together. Writes trust.json and trust.html into the run's directory, or --out; exits with
0 whatever is found.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from alpacabench.analysis.finished_run import read_references, read_run
from alpacabench.analysis.locate import home
from alpacabench.cli.compare import RUN_HELP
from alpacabench.cli.export import add_export_arguments, export_page, require_exportable
from alpacabench.core.errors import AlpacabenchError, DataError
from alpacabench.io.run_files import LABELS_FILE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help=RUN_HELP)
    parser.add_argument("--labels", nargs="+", action="extend", default=[], metavar="FILE",
                        help="people's labels (default: those that `alpacabench labels` added to the run)")  # fmt: skip
    parser.add_argument("--out", metavar="DIR", help="where the files go (default: the run's directory)")
    parser.add_argument("--dataset", metavar="FILE", help="the reference outputs, where the annotations lack them")
    parser.add_argument("--tracking-uri", metavar="URI", help="where MLflow runs are (default: MLFLOW_TRACKING_URI)")
    add_export_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Examine, write and print; returns 0."""
    from alpacabench.analysis.trust.summary import line, metrics
    from alpacabench.analysis.trust.trust import as_json, trust
    from alpacabench.io.run_files import write_json
    from alpacabench.report.trust_report import write_trust_report
    from alpacabench.security.console import Console

    require_exportable(arguments)
    if arguments.out and len(arguments.runs) > 1:
        raise DataError("--out: one directory holds the report of one run\n    give one RUN, or leave --out")
    if arguments.export and len(arguments.runs) > 1:
        raise DataError("--export: a file holds the table of one run\n    give one RUN, or leave --export")
    references, console = read_references(arguments.dataset), Console()
    runs = [(given, read_run(given, None, references, arguments.tracking_uri)) for given in arguments.runs]
    for given, finished in runs:
        found = trust(finished, arguments.labels or _imported(given), arguments.tracking_uri, [run for _, run in runs])
        folder = Path(arguments.out) if arguments.out else _home(given)
        write_json(folder / "trust.json", as_json(finished, found))
        page = write_trust_report(folder / "trust.html", finished, found)
        export_page(arguments, lambda _, page=page: page)  # type: ignore[misc]
        tracked = _track(given, metrics(found), arguments.tracking_uri)
        console.print(f"{finished.name}", markup=False)
        for one in found:
            console.print(f"  {one.judge}: {line(one.findings)}", markup=False)
            for finding in one.findings:
                console.print(f"    {finding.verdict:8} {finding.name}: {finding.evidence}", markup=False)
        console.print("\n".join(f"  {told}" for told in (*tracked, page)), markup=False, soft_wrap=True)
    return 0


def _track(given: str, figures: Mapping[str, float], uri: str | None) -> list[str]:
    """Add the figures to the run in MLflow, where it is tracked; return what there is to tell of it."""
    from alpacabench.tracking.figures import log_figures, log_figures_beside

    if (folder := home(given)) is None:
        log_figures(given, figures, uri)
        return []
    try:
        run_id = log_figures_beside(folder, figures, uri)
    except AlpacabenchError as error:
        return [f"not added to MLflow: {error}"]
    return [f"added to MLflow run {run_id}"] if run_id else []


def _imported(given: str) -> list[str]:
    """Return the labels that lie in the run's directory, where there are any."""
    folder = home(given)
    return [str(folder / LABELS_FILE)] if folder and (folder / LABELS_FILE).is_file() else []


def _home(given: str) -> Path:
    if folder := home(given):
        return folder
    raise DataError(
        f"--out: '{given}' is an MLflow run, which has no directory here\n    say where the files go: --out DIR"
    )
