"""Release or block a run by a paired one-sided test against a base.

    alpacabench gate outputs/runs/NEW --base outputs/runs/OLD --margin 2 --alpha 0.05 --markdown summary.md

Verdicts, with their exit codes:

    release     0   shown to be not worse than the base by the margin or more (non-inferior)
    undecided   0   neither shown; 4 with --strict
    block       3   shown to be worse than the base by more than the margin

1 and 2 are errors, as everywhere: no verdict. A closed pipe (`| head`) does not change the exit code.

Under no change at most a share alpha of gates block, whatever the number of prompts: a block needs the exact sign-flip
test of no change as well as the t test of the margin (for the length-controlled win rate the sign flips are
approximate, because its weights are refitted). A release is judged with one lost prompt added, because a t test
believes in too small an error where few prompts changed.

With --series NAME the gates of that name share alpha: each tests at a smaller one, and all of them together, however
many follow, block falsely with a probability of at most alpha. The same comparison again spends nothing more.

Missing verdicts never help: a release must hold whatever they would have been. There, a prompt counts as lost by the
run where the run has no verdict, and as won by the base where the base has none (under length control, as a lost
prompt). A block rests on the prompts with a verdict in both, so that missing verdicts alone never block.

A judge that is undecided on most verdicts (its preference lies between 45% and 55%) makes all win rates alike: with it
only a run that is shown to be no worse at all is released, whatever the margin.

With --max-violations NAME=PERCENT (once for each check) the run is blocked as well where its own violation rate is
above the limit. Answers that could not be checked count as violations for a release, and are left out of a block.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from alpacabench.analysis.decision import ALPHA
from alpacabench.analysis.gate.decision import Verdict, decide
from alpacabench.cli.compare import RUN_HELP, add_file_arguments, read_pair
from alpacabench.cli.exit_status import drop_output
from alpacabench.cli.export import add_export_arguments, export_items, require_exportable
from alpacabench.core.errors import ConfigError, DataError, Problem

if TYPE_CHECKING:
    from alpacabench.analysis.finished_run import FinishedRun
    from alpacabench.analysis.gate.series import Place

EXIT_CODES: dict[Verdict, int] = {"release": 0, "undecided": 0, "block": 3}
STRICT_UNDECIDED = 4
STORE = "sqlite:///outputs/store.db"
METRICS = ("win_rate", "length_controlled_winrate")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("run", help=f"what is to be released: {RUN_HELP}")
    parser.add_argument("--base", required=True, help="what it is compared with")
    parser.add_argument("--margin", type=float, default=0.0, help="loss in points that is tolerated (default 0)")
    parser.add_argument(
        "--alpha", type=float, default=ALPHA, help="share of false alarms that is tolerated (default %(default)s)"
    )
    parser.add_argument("--metric", choices=METRICS, default="win_rate", help="what is tested (default win_rate)")
    parser.add_argument(
        "--series", metavar="NAME", help="gates of one name share alpha, however many follow; kept in the store"
    )
    parser.add_argument("--store", metavar="URL", default=STORE, help="where a series is kept (default %(default)s)")
    parser.add_argument(
        "--max-violations", action="append", default=[], metavar="NAME=PERCENT",
        help="block where more of the prompts violate this check; once for each check",
    )  # fmt: skip
    parser.add_argument("--strict", action="store_true", help=f"exit with {STRICT_UNDECIDED} where it is undecided")
    parser.add_argument("--markdown", metavar="FILE", help="append a short summary, for a pull request")
    add_export_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print the decision as JSON")
    add_file_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Decide, print and return the verdict's exit code."""
    if problems := [*_problems(arguments), *_limit_problems(arguments.max_violations)]:
        raise ConfigError(problems)
    require_exportable(arguments)
    from alpacabench.analysis.checked_answers import kept
    from alpacabench.analysis.compare.comparison import compare
    from alpacabench.analysis.difficulty_files import read_difficulties
    from alpacabench.analysis.gate.evidence import Evidence
    from alpacabench.report.gate_summary import figures, markdown

    base, candidate = read_pair(arguments, arguments.base, arguments.run)
    used = [base.difficulty_files, candidate.difficulty_files]
    limits = kept(
        candidate.checked, {name: float(most) for name, most in _limits(arguments.max_violations)}, arguments.run
    )
    comparison = compare(base, candidate, read_difficulties(arguments.lc_data, arguments.dataset, used))
    evidence = Evidence(comparison, arguments.metric)
    differences = evidence.differences()
    place = _enter(arguments, base, candidate) if arguments.series else None
    alpha = place.alpha if place else arguments.alpha
    delta = comparison.delta_wr
    decision = decide(
        differences, arguments.margin, alpha, evidence.worst(),
        saturated=delta.saturated, undecided_share=delta.undecided_share,
    )  # fmt: skip
    verdict = max((decision.verdict, *(limit.verdict for limit in limits)), key=list(EXIT_CODES).index)
    summary = markdown(decision, evidence, place, limits)
    if arguments.export:
        from alpacabench.report.page_items import Item

        rows = [*figures(decision, evidence, limits).items()]
        export_items(arguments, [Item("gate", f"Gate: {verdict}", ("", ""), rows)])
    if arguments.markdown:
        _append(arguments.markdown, summary)
    content = (
        asdict(decision) | {"verdict": verdict} | evidence.as_json() | ({"series": asdict(place)} if place else {})
    )
    if limits:
        content["violations"] = [asdict(limit) | {"verdict": limit.verdict} for limit in limits]
    _print(json.dumps(content, indent=2) + "\n" if arguments.json else summary)
    if arguments.strict and verdict == "undecided":
        return STRICT_UNDECIDED
    return EXIT_CODES[verdict]


def _limits(given: list[str]) -> list[tuple[str, str]]:
    """Return name and percentage of each limit, as they were given."""
    return [(name, most) for name, _, most in (one.partition("=") for one in given)]


def _limit_problems(given: list[str]) -> Iterator[Problem]:
    limits = _limits(given)
    for name, most in limits:
        try:
            usable = bool(name) and 0 <= float(most) <= 100
        except ValueError:
            usable = False
        if not usable:
            yield Problem("--max-violations", f"given '{name}={most}'", "NAME=PERCENT, such as secrets=0")
    for name in sorted({name for name, _ in limits if sum(name == other for other, _ in limits) > 1}):
        yield Problem("--max-violations", f"given '{name}' twice", "give each check one limit")


def _enter(arguments: argparse.Namespace, base: FinishedRun, run: FinishedRun) -> Place:
    """Return the gate's place in its series; the same verdicts again have the place that they had."""
    from alpacabench.analysis.gate.series import Place
    from alpacabench.core.records import digest
    from alpacabench.store.database import open_engine
    from alpacabench.store.gate_series import enter

    # NaN is no JSON, and equals nothing.
    sides = [{text: repr(item.preference) for text, item in side.items.items()} for side in (base, run)]
    key = digest([sides, arguments.margin, arguments.metric])
    engine = open_engine(arguments.store)
    try:
        number, alpha = enter(engine, arguments.series, key, arguments.alpha)
    finally:
        engine.dispose()
    return Place(arguments.series, number, alpha)


def _append(given: str, summary: str) -> None:
    path = Path(given)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(summary)
    except OSError as error:
        raise DataError(f"--markdown: cannot write {given}: {error.strerror}\n    name another file") from error


def _print(text: str) -> None:
    """Print; a reader that has gone hides no verdict: the exit code has it."""
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:
        drop_output()


def _problems(arguments: argparse.Namespace) -> Iterator[Problem]:
    if not 0 <= arguments.margin < 100:
        yield Problem("--margin", f"given {arguments.margin:g}", "a number of points from 0, below 100")
    if not 0 < arguments.alpha <= 0.5:
        yield Problem("--alpha", f"given {arguments.alpha:g}", "a share above 0, at most 0.5")
    if arguments.series is not None and not 0 < len(arguments.series) <= 128:
        yield Problem("--series", f"given a name of {len(arguments.series)} characters", "a name of 1 to 128")
    if arguments.markdown:
        yield from _unwritable(Path(arguments.markdown))


def _unwritable(path: Path) -> Iterator[Problem]:
    """Yield why a file cannot be appended to, before anything is computed."""
    there = next(parent for parent in (path, *path.parents) if parent.exists())
    if path.is_dir():
        what = "a directory"
    elif there != path and not there.is_dir():
        what = f"{there} is no directory"
    elif not os.access(there, os.W_OK):
        what = f"no permission to write {there}"
    else:
        return
    yield Problem("--markdown", f"given '{path}': {what}", "give the path of a file that may be written; it is made")
