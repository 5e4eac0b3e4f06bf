"""Read people's labels: check them, say how far people agree with each other, and then how far the judge does.

    alpacabench labels labels-ann.json labels-bea.csv --run outputs/runs/RUN

With --run the labels are added to labels.json in the run's directory, ready for `alpacabench trust RUN --labels`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from alpacabench.analysis.finished_run import read_references, read_run
from alpacabench.cli.compare import RUN_HELP
from alpacabench.core.errors import DataError

if TYPE_CHECKING:
    from alpacabench.analysis.trust.label_file import Label

FILE = "labels.json"
"""What a run's directory holds of people's labels."""
KEY = "FILE"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="exports of the page: JSON or CSV, in any order")
    parser.add_argument("--run", nargs="+", action="extend", default=[], metavar="RUN",
                        help=f"whose pairs they are: {RUN_HELP}")  # fmt: skip
    parser.add_argument("--out", metavar="FILE", help="one file of all labels (default: labels.json in each run)")
    parser.add_argument("--dataset", metavar="FILE", help="the reference outputs, where the annotations lack them")
    parser.add_argument("--outputs", metavar="FILE", help="the model's outputs, where the run does not hold them")
    parser.add_argument("--tracking-uri", metavar="URI", help="where MLflow runs are (default: MLFLOW_TRACKING_URI)")


def run(arguments: argparse.Namespace) -> int:
    """Check, write and print; returns 0."""
    from alpacabench.analysis.trust.label_file import by_pair, checked, of_run, read_label_files
    from alpacabench.analysis.trust.people import among
    from alpacabench.io.run_files import write_json
    from alpacabench.report import label_words
    from alpacabench.security.console import Console

    console = Console()
    labels = checked(read_label_files(arguments.files, KEY), KEY)
    for line in label_words.counts(labels):
        console.print(line)
    references, written = read_references(arguments.dataset), []
    for given in arguments.run:
        finished = read_run(given, arguments.outputs, references, arguments.tracking_uri)
        mine = of_run(labels, list(finished.items.values()))
        if not mine:
            raise DataError(f"--run: none of the labels is of a pair of {given}\n    ids are made of the pair's texts")
        written += mine
        home = None if arguments.out else _home(given)
        mine = _with_earlier(home, mine)
        for line in label_words.agreement(finished, mine, arguments.tracking_uri):
            console.print(line)
        if home:
            console.print(f"  {write_json(home, [label.as_row() for label in mine])}")
    if not arguments.run:
        for line in label_words.among_people(among(by_pair(labels))):
            console.print(line)
    if arguments.out:
        console.print(f"{write_json(Path(arguments.out), [label.as_row() for label in written or labels])}")
    return 0


def _home(given: str) -> Path:
    path = Path(given).expanduser()
    if not path.exists():
        raise DataError(f"--run: '{given}' is an MLflow run, which has no directory here\n    give --out FILE")
    return (path if path.is_dir() else path.parent) / FILE


def _with_earlier(home: Path | None, mine: list[Label]) -> list[Label]:
    from alpacabench.analysis.trust.label_file import checked, read_label_files

    return checked([*(read_label_files([str(home)], KEY) if home and home.exists() else ()), *mine], KEY)
