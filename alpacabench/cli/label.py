"""Write a page on which people say which of two answers is better, without knowing whose they are.

    alpacabench label outputs/runs/RUN --n 60 --out labels.html

The page is one file: send it to as many people as you like. It works offline by keyboard and by thumb, keeps every
label in the browser at once, and exports JSON or CSV for `alpacabench labels`. The pairs are a uniform draw.
"""

from __future__ import annotations

import argparse

from alpacabench.analysis.finished_run import read_references, read_run
from alpacabench.cli.compare import RUN_HELP
from alpacabench.core.errors import ConfigError, Problem


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help=RUN_HELP)
    parser.add_argument("--n", type=int, default=60, help="how many pairs, of all runs together (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the draw (default %(default)s)")
    parser.add_argument("--policy", metavar="FILE", help="a text that says what makes an answer the better one")
    parser.add_argument("--out", metavar="FILE", default="labels.html", help="the page (default %(default)s)")
    parser.add_argument("--dataset", metavar="FILE", help="the reference outputs, where the annotations lack them")
    parser.add_argument("--outputs", metavar="FILE", help="the model's outputs, where the run does not hold them")
    parser.add_argument("--tracking-uri", metavar="URI", help="where MLflow runs are (default: MLFLOW_TRACKING_URI)")


def run(arguments: argparse.Namespace) -> int:
    """Draw, write and say what to do next; returns 0."""
    from alpacabench.analysis.trust.blinding import draw, read_policy
    from alpacabench.report.label_page import write_label_page
    from alpacabench.security.console import Console

    if arguments.n < 1:
        raise ConfigError([Problem("--n", f"given {arguments.n}", "give 1 or more")])
    policy, references = read_policy(arguments.policy), read_references(arguments.dataset)
    runs = [read_run(given, arguments.outputs, references, arguments.tracking_uri) for given in arguments.runs]
    drawn = draw(runs, arguments.n, arguments.seed)
    page = write_label_page(arguments.out, drawn.pairs, policy)
    left_out = f"; {drawn.n_incomplete} lack an answer or a reference" if drawn.n_incomplete else ""
    console = Console()
    console.print(f"{len(drawn.pairs)} of {drawn.n_pairs} pairs, a uniform draw (seed {arguments.seed}){left_out}")
    console.print(f"  Page: {page}")
    console.print(f"  Policy: {policy.id} ({arguments.policy or 'the default'})")
    console.print(f"  What it exports: alpacabench labels FILE... --run {' '.join(arguments.runs)}")
    return 0
