"""`alpacabench ablation --base RUN --variant NAME=RUN --floor RUN`: an ablation from runs that exist already.

A run is a run directory, an annotation file (alpaca_eval's too) or an MLflow run id. Variants of one family are named
by a level: typos_low, typos_high, or concise_1, concise_2.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from alpacabench.analysis.ablation.variant import BASE, FLOOR, Kind, System, Variant, read_variant
from alpacabench.analysis.decision import MARGIN
from alpacabench.analysis.finished_run import read_references, read_run
from alpacabench.cli.compare import RUN_HELP, add_file_arguments
from alpacabench.cli.export import add_export_arguments, export_page, require_exportable
from alpacabench.core.errors import DataError
from alpacabench.io.json_text import indented

PAGE = "ablation.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--base", required=True, metavar="RUN", help=f"the unchanged prompts: {RUN_HELP}")
    parser.add_argument(
        "--variant", action="append", default=[], metavar="NAME=RUN", help="the same task in other words; repeatable"
    )
    parser.add_argument(
        "--effect", action="append", default=[], metavar="NAME=RUN",
        help="a change of the task: reported as an effect, never as robustness; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--floor", nargs="+", action="extend", default=[], metavar="RUN", help="the unchanged prompts decoded again"
    )
    add_file_arguments(parser)
    parser.add_argument("--margin", type=float, default=MARGIN, help="points within which a win rate is unchanged")
    add_export_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--html", metavar="FILE", default=PAGE, help="the page to write (default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Compare, print and write the page; returns 0.

    Raises:
        DataError: the runs cannot be read, or are not of the same setting.

    """
    from alpacabench.analysis.ablation.answer import answer
    from alpacabench.analysis.difficulty_files import read_difficulties
    from alpacabench.analysis.explorer.finished import of_runs
    from alpacabench.analysis.sentences.ablation import findings, headline
    from alpacabench.report.ablation_report import write_ablation_report
    from alpacabench.report.explorer_page import EVERY_ANSWER, write_explorer

    require_exportable(arguments)
    system = _system(arguments)
    runs = [variant.run for variant in (*system.decodes, *system.variants)]
    table = read_difficulties(arguments.lc_data, arguments.dataset, [run.difficulty_files for run in runs])
    found = answer(system, table, arguments.margin, system.base.run.name)
    page = Path(arguments.html)
    named = [(one.name, one.run) for one in (*system.decodes, *system.variants)]
    explorer = write_explorer(page, of_runs(found.title, named, 0, {}, arguments.tracking_uri))
    write_ablation_report(page, found, {EVERY_ANSWER: explorer.name})
    export_page(arguments, lambda path: write_ablation_report(path, found))
    if arguments.json:
        print(indented(found.as_json()))
        return 0
    print(headline(found))
    for line in (*findings(found), *found.warnings):
        print(f"- {line}")
    print(f"Ablation report: {page}")
    return 0


def _system(arguments: argparse.Namespace) -> System:
    from alpacabench.analysis.compatible import require_comparable

    references = read_references(arguments.dataset)

    def read(name: str, given: str, kind: Kind | None = None) -> Variant:
        found = read_run(given, references=references, tracking_uri=arguments.tracking_uri)
        return read_variant(name, found, kind, arguments.tracking_uri)

    system = System(
        base=read(BASE, arguments.base),
        variants=(
            *(read(name, given) for name, given in _named(arguments.variant, "--variant")),
            *(read(name, given, "effect") for name, given in _named(arguments.effect, "--effect")),
        ),
        floors=tuple(read(f"{FLOOR}_{number}", given) for number, given in enumerate(arguments.floor, start=1)),
    )
    if not system.variants and not system.floors:
        raise DataError(
            "nothing to compare with the base\n    give --variant NAME=RUN, --effect NAME=RUN or --floor RUN"
        )
    for variant in (*system.floors, *system.variants):
        require_comparable(system.base.run, variant.run)
    return system


def _named(given: Sequence[str], option: str) -> list[tuple[str, str]]:
    """Return name and run of each argument."""
    pairs = [(name, run) for name, _, run in (text.partition("=") for text in given)]
    for (name, run), text in zip(pairs, given, strict=True):
        if not name or not run:
            raise DataError(
                f"{option}: given '{text}'\n    give {option} NAME=RUN, such as {option} typos_low=outputs/runs/X"
            )
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise DataError(f"{option}: a name is given twice: {', '.join(names)}\n    name every variant differently")
    return pairs
