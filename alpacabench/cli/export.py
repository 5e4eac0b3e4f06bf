"""Write a table or a plot of a report as a file.

    alpacabench export latest table.tex                      the first table of the newest run's report
    alpacabench export outputs/sweeps/S plot.svg plot.png    the first plot of a sweep
    alpacabench export compare.html flips.csv --item flips   one table of a page, by its name
    alpacabench export latest --list                         the names

The suffix says the form: .csv, .md and .tex for tables, .svg and .png for plots; .png needs the extra `png`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alpacabench.core.errors import ConfigError, DataError, Problem

if TYPE_CHECKING:
    from alpacabench.report.page_items import Item

PAGES = ("sweep.html", "report.html")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "page", metavar="REPORT", help="a run's or a sweep's directory, latest, latest-1, ..., or a page"
    )
    parser.add_argument("files", nargs="*", metavar="FILE", help="what to write: .csv, .md, .tex, .svg, .png")
    add_item_argument(parser)
    parser.add_argument("--list", action="store_true", help="list what the report holds")


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --export and --item to a command that makes tables and plots."""
    parser.add_argument(
        "--export", nargs="+", action="extend", default=[], metavar="FILE",
        help="also write a table (.csv, .md, .tex) or a plot (.svg, .png); repeatable",
    )  # fmt: skip
    add_item_argument(parser)


def add_item_argument(parser: argparse.ArgumentParser) -> None:
    """Add --item."""
    parser.add_argument("--item", metavar="NAME", help="which table or plot (default: the first); all: each in a file")


def export_page(arguments: argparse.Namespace, write: Callable[[Path], Path], first: Sequence[str] = ()) -> None:
    """Write the files of --export from a page that `write` makes at a path; `first` are what stands for it."""
    if not arguments.export:
        return
    from tempfile import TemporaryDirectory

    from alpacabench.report.page_items import items_of

    with TemporaryDirectory(prefix="alpacabench-") as folder:
        items = items_of(write(Path(folder) / "page.html").read_text(encoding="utf-8"))
    export_items(arguments, items, first)


def export_items(arguments: argparse.Namespace, items: Sequence[Item], first: Sequence[str] = ()) -> None:
    """Write the files of --export, and say where."""
    from alpacabench.report.export import export

    for path in export(arguments.export, items, arguments.item, first):
        print(f"Written: {path}", file=sys.stderr)


def require_exportable(arguments: argparse.Namespace) -> None:
    """Refuse files of --export that cannot be written, before anything is read."""
    from alpacabench.report import export

    export.require_exportable(arguments.export)


def run(arguments: argparse.Namespace) -> int:
    """Write the files and say where; returns 0."""
    from alpacabench.report import export
    from alpacabench.report.page_items import items_of

    if not arguments.files and not arguments.list:
        raise ConfigError([Problem("FILE", "nothing to write is named", "name a file, or give --list")])
    export.require_exportable(arguments.files)
    items = items_of(_page(arguments.page).read_text(encoding="utf-8"))
    if arguments.list:
        for item in items:
            print(f"{item.name:24} {'table and plot' if item.svg else 'table':14} {item.title}")
    for path in export.export(arguments.files, items, arguments.item):
        print(f"Written: {path}")
    return 0


def _page(given: str) -> Path:
    from alpacabench.io.outputs import resolve

    path = Path(resolve(given)).expanduser()
    found = [path / name for name in PAGES if (path / name).is_file()] if path.is_dir() else [path]
    if not found or not found[0].is_file():
        raise DataError(
            f"REPORT: given '{given}': no such report\n"
            "    give a run's or a sweep's directory, latest, latest-1, ..., or a page that alpacabench wrote"
        )
    return found[0]
