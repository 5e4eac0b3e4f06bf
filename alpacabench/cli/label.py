"""Write a page on which people say which of two answers is better, without knowing whose they are.

    alpacabench label outputs/runs/RUN --n 60 --out labels.html
    alpacabench label outputs/runs/RUN --n 60 --mlflow --labeller ann bea

The page is one file: send it to as many people as you like. It works offline by keyboard and by thumb, keeps every
label in the browser at once, and exports JSON or CSV for `alpacabench labels`. The pairs are a uniform draw.
With --mlflow there is no page: each person gets a review queue over blinded traces in MLflow.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from alpacabench.analysis.finished_run import read_references, read_run
from alpacabench.cli.compare import RUN_HELP
from alpacabench.core.component import require
from alpacabench.core.errors import Problem
from alpacabench.tracking.review_queues import EXPERIMENT, MOST_OF_A_POLICY

if TYPE_CHECKING:
    from alpacabench.analysis.trust.blinding import Drawn, Policy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help=RUN_HELP)
    parser.add_argument("--n", type=int, default=60, help="how many pairs, of all runs together (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the draw (default %(default)s)")
    parser.add_argument("--policy", metavar="FILE", help="a text that says what makes an answer the better one")
    parser.add_argument("--out", metavar="FILE", default="labels.html", help="the page (default %(default)s)")
    parser.add_argument("--dataset", metavar="FILE", help="the reference outputs, where the annotations lack them")
    parser.add_argument("--outputs", metavar="FILE", help="the model's outputs, where the run does not hold them")
    parser.add_argument("--mlflow", action="store_true", help="make review queues in MLflow instead of a page")
    parser.add_argument("--labeller", nargs="+", action="extend", default=[], metavar="NAME",
                        help="with --mlflow: the people, a queue each")  # fmt: skip
    parser.add_argument("--experiment", default=EXPERIMENT, help="with --mlflow: its experiment (default %(default)s)")
    parser.add_argument("--tracking-uri", metavar="URI", help="where MLflow is (default: MLFLOW_TRACKING_URI)")


def run(arguments: argparse.Namespace) -> int:
    """Draw, write and say what to do next; returns 0."""
    from alpacabench.analysis.trust.blinding import draw, read_policy
    from alpacabench.report.label_page import write_label_page
    from alpacabench.security.console import Console

    policy, references = read_policy(arguments.policy), read_references(arguments.dataset)
    require(_problems(arguments, policy))
    runs = [read_run(given, arguments.outputs, references, arguments.tracking_uri) for given in arguments.runs]
    drawn = draw(runs, arguments.n, arguments.seed)
    left_out = f"; {drawn.n_incomplete} lack an answer or a reference" if drawn.n_incomplete else ""
    console = Console()
    console.print(
        f"{len(drawn.pairs)} of {drawn.n_pairs} pairs, a uniform draw (seed {arguments.seed}){left_out}", soft_wrap=True
    )
    console.print(f"  Policy: {policy.id} ({arguments.policy or 'the default'})", soft_wrap=True)
    if arguments.mlflow:
        for line in _queues(arguments, drawn, policy):
            console.print(f"  {line}", soft_wrap=True)
    else:
        console.print(f"  Page: {write_label_page(arguments.out, drawn.pairs, policy)}", soft_wrap=True)
    source = "--mlflow" if arguments.mlflow else "FILE..."
    console.print(f"  Then: alpacabench labels {source} --run {' '.join(arguments.runs)}", soft_wrap=True)
    return 0


def _problems(arguments: argparse.Namespace, policy: Policy) -> list[Problem]:
    found = [] if arguments.n > 0 else [Problem("--n", f"given {arguments.n}", "give 1 or more")]
    names = [name.strip().lower() for name in arguments.labeller]
    if arguments.mlflow and (not names or "" in names or len(set(names)) < len(names)):
        what = f"given {arguments.labeller}" if names else "missing"
        found.append(Problem("--labeller", what, "with --mlflow, name each person once: capitals do not count"))
    if arguments.mlflow and len(policy.text.strip()) > MOST_OF_A_POLICY:
        what = f"has {len(policy.text.strip())} characters"
        found.append(Problem("--policy", what, f"MLflow shows {MOST_OF_A_POLICY}; shorten it, or use the page"))
    if names and not arguments.mlflow:
        found.append(Problem("--labeller", "given without --mlflow", "the page asks for the name itself"))
    return found


def _queues(arguments: argparse.Namespace, drawn: Drawn, policy: Policy) -> Iterator[str]:
    from alpacabench.tracking.review_queues import fill_queues
    from alpacabench.tracking.uri import tracking_uri

    uri = tracking_uri(arguments.tracking_uri)
    people = [name.strip() for name in arguments.labeller]
    made = fill_queues(uri, arguments.experiment, people, drawn.pairs, policy.id, policy.text.strip())
    for queue in made:
        yield f"Queue: {queue.name}, {queue.n_items} pairs, {queue.n_new} of them new"
    yield f"In MLflow: {made[0].page}"
