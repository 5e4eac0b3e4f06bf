"""List the runs and sweeps below outputs/, the newest first; the jobs of a sweep stand below it.

    alpacabench runs                                  the newest 20
    alpacabench runs typos gpt_4_1 --status finished  those in which both words stand
    alpacabench runs --since 7d --export runs.csv

The first column is what a finished run is called where a run is taken: `alpacabench compare latest-1 latest`. The jobs
of a sweep are runs of their own. An empty list is no mistake: the exit code is 0.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Sequence
from pathlib import Path

from alpacabench.cli.export import add_export_arguments, export_items, require_exportable
from alpacabench.core.errors import ConfigError, Problem
from alpacabench.io.outputs import OUTPUTS, Entry, entries

SINCE = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
"""Seconds of a unit."""
SHOWN = 20
STATUSES = ("finished", "failed", "stopped", "skipped", "unfinished")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("words", nargs="*", metavar="WORD", help="only those that hold all words, in any case")
    parser.add_argument("--dir", default=str(OUTPUTS), help="where to look (default: %(default)s)")
    parser.add_argument("--kind", choices=("run", "sweep"), help="runs alone, jobs included, or sweeps alone")
    parser.add_argument("--status", choices=STATUSES, help="only those that ended so")
    parser.add_argument("--since", metavar="WHEN", help="not older than 30m, 12h, 7d, 4w, or a date, 2026-11-28")
    parser.add_argument("--limit", type=int, default=SHOWN, help="most lines; 0 is all (default: %(default)s)")
    add_export_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def run(arguments: argparse.Namespace) -> int:
    """List; returns 0."""
    require_exportable(arguments)
    since = _since(arguments.since)
    found = [one for one in _chosen(entries(Path(arguments.dir)), arguments) if one.ended >= since]
    shown = found[: arguments.limit] if arguments.limit > 0 else found
    from alpacabench.report.runs_table import items

    export_items(arguments, items(shown))
    if arguments.json:
        from alpacabench.io.json_text import indented
        from alpacabench.report.runs_table import as_json

        print(indented([as_json(one) for one in shown]))
        return 0
    from alpacabench.report.runs_table import show

    show(shown, len(found), arguments.dir)
    return 0


def _chosen(found: Sequence[Entry], arguments: argparse.Namespace) -> list[Entry]:
    """Return what is listed; a sweep stands before its jobs."""
    lines = [one for entry in found for one in (entry, *reversed(entry.jobs))]
    kinds = {None: ("run", "job", "sweep"), "run": ("run", "job"), "sweep": ("sweep",)}[arguments.kind]
    return [
        one
        for one in lines
        if one.kind in kinds and arguments.status in (None, one.status) and _holds(one, arguments.words)
    ]


def _holds(entry: Entry, words: Sequence[str]) -> bool:
    parts = (str(entry.directory), entry.kind, entry.label, entry.model, entry.judge, entry.name)
    text = " ".join(parts).lower()
    return all(word.lower() in text for word in words)


def _since(given: str | None) -> float:
    """Return the time, in seconds since 1970, that the option names."""
    if given is None:
        return 0.0
    if span := re.fullmatch(r"(\d+)([mhdw])", given):
        return time.time() - int(span[1]) * SINCE[span[2]]
    for form in ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"):
        try:
            return time.mktime(time.strptime(given, form))
        except ValueError:
            continue
    raise ConfigError([Problem("--since", f"given '{given}'", "a span (30m, 12h, 7d, 4w) or a date (2026-11-28)")])
