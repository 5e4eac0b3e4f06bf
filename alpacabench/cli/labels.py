"""Read people's labels: check them, say how far people agree with each other, and then how far the judge does.

    alpacabench labels labels-ann.json labels-bea.csv --run outputs/runs/RUN
    alpacabench labels --mlflow --run outputs/runs/RUN

With --run the labels are added to labels.json in the run's directory, where `alpacabench trust RUN` finds them.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from alpacabench.analysis.finished_run import read_references, read_run
from alpacabench.analysis.locate import home
from alpacabench.cli.compare import RUN_HELP
from alpacabench.core.errors import DataError
from alpacabench.io.run_files import LABELS_FILE
from alpacabench.tracking.review_queues import EXPERIMENT

if TYPE_CHECKING:
    from alpacabench.analysis.trust.label_file import Label

KEY = "FILE"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("files", nargs="*", metavar="FILE", help="exports of the page: JSON or CSV, in any order")
    parser.add_argument("--mlflow", action="store_true", help="also what people answered in MLflow's review queues")
    parser.add_argument("--experiment", default=EXPERIMENT, help="with --mlflow: its experiment (default %(default)s)")
    parser.add_argument("--run", nargs="+", action="extend", default=[], metavar="RUN",
                        help=f"whose pairs they are: {RUN_HELP}")  # fmt: skip
    parser.add_argument("--out", metavar="FILE", help="one file of all labels (default: labels.json in each run)")
    parser.add_argument("--dataset", metavar="FILE", help="the reference outputs, where the annotations lack them")
    parser.add_argument("--outputs", metavar="FILE", help="the model's outputs, where the run does not hold them")
    parser.add_argument("--tracking-uri", metavar="URI", help="where MLflow runs are (default: MLFLOW_TRACKING_URI)")


def run(arguments: argparse.Namespace) -> int:
    """Check, write and print; returns 0."""
    from alpacabench.analysis.trust.label_file import by_pair, of_run, others_than
    from alpacabench.analysis.trust.people import among
    from alpacabench.io.run_files import write_json
    from alpacabench.report import label_words
    from alpacabench.security.console import Console

    console = Console()
    labels = _read(arguments)
    for line in label_words.counts(labels):
        console.print(line, soft_wrap=True)
    written: list[Label] = []
    references, others = read_references(arguments.dataset), labels
    for given in arguments.run:
        finished = read_run(given, arguments.outputs, references, arguments.tracking_uri)
        items = list(finished.items.values())
        mine, others = of_run(labels, items), others_than(others, items)
        if not mine:
            raise DataError(f"--run: none of the labels is of a pair of {given}\n    ids are made of the pair's texts")
        written += mine
        place = None if arguments.out else _home(given)
        mine = _with_earlier(place, mine)
        for line in label_words.agreement(finished, mine, arguments.tracking_uri):
            console.print(line, soft_wrap=True)
        if place:
            console.print(f"  {write_json(place, [label.as_row() for label in mine])}", soft_wrap=True)
    if arguments.run and others:
        example = f"{others[0].id}, {others[0].where}"
        console.print(f"{len(others)} of {len(labels)} labels are of no pair of these runs ({example})", soft_wrap=True)
    if not arguments.run:
        for line in label_words.among_people(among(by_pair(labels))):
            console.print(line, soft_wrap=True)
    if arguments.out:
        console.print(
            f"{write_json(Path(arguments.out), [label.as_row() for label in written or labels])}", soft_wrap=True
        )
    return 0


def _read(arguments: argparse.Namespace) -> list[Label]:
    from alpacabench.analysis.trust.label_file import checked, label_of, read_label_files
    from alpacabench.tracking.review_queues import read_queues
    from alpacabench.tracking.uri import tracking_uri

    if not arguments.files and not arguments.mlflow:
        raise DataError(f"{KEY}: none given\n    give what the page exported, or --mlflow")
    labels = read_label_files(arguments.files, KEY) if arguments.files else []
    if arguments.mlflow:
        rows = read_queues(tracking_uri(arguments.tracking_uri), arguments.experiment)
        labels += [label_of(row, f"--mlflow: {where}") for where, row in rows]
    return checked(labels, KEY)


def _home(given: str) -> Path:
    if folder := home(given):
        return folder / LABELS_FILE
    raise DataError(f"--run: '{given}' is an MLflow run, which has no directory here\n    give --out FILE")


def _with_earlier(place: Path | None, mine: list[Label]) -> list[Label]:
    from alpacabench.analysis.trust.label_file import checked, read_label_files

    return checked([*(read_label_files([str(place)], KEY) if place and place.exists() else ()), *mine], KEY)
