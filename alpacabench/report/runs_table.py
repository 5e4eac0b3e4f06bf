"""Runs and sweeps as a table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from alpacabench.analysis.estimate import MISSING, Estimate, count
from alpacabench.io.outputs import Entry
from alpacabench.report.page import figure
from alpacabench.report.page_items import Item
from alpacabench.report.plot.forest import Forest, ForestRow, forest
from alpacabench.report.slices import metric

TITLE = "Runs and sweeps"
HEADER = ("Name", "Ended", "Win rate, % (95%)", "n", "Model", "Judge", "What was chosen", "Where")


def show(found: Sequence[Entry], total: int, place: str) -> None:
    """Print two lines for each; `total` are those that there are, `place` is where they were looked for."""
    from rich.text import Text

    from alpacabench.security.console import Console

    console = Console(soft_wrap=True)
    if not found:
        console.print(Text(f"No runs below {place}{' that match' if total else ''}."))
        return
    names = max(len(entry.name or entry.kind) for entry in found)
    for entry in found:
        name, ended, rate, size, model, judge, chosen, where = cells(entry)
        indent = "  " if entry.kind == "job" else ""
        result = ", ".join(filter(None, (f"{rate}%" if rate else "", size and f"n = {size}")))
        who = f"{model} judged by {judge}" if judge else model
        line = "  ".join(filter(None, (ended, result, who)))
        console.print(Text.assemble(indent, (name.ljust(names), "bold"), "  ", line))
        console.print(Text.assemble(indent, " " * (names + 2), f"{chosen}  ", (where, "cyan")))
    if total > len(found):
        console.print(Text(f"{total - len(found):,} more: --limit 0 lists all, words and options choose."))


def items(found: Sequence[Entry]) -> list[Item]:
    """Return the table, with the win rates as a plot where any run has one."""
    rated = [(entry, rate) for entry in found if (rate := win_rate(entry))]
    rows = [ForestRow(f"{entry.name}  {entry.label or entry.model}", rate) for entry, rate in rated]
    plot = Forest(rows, HEADER[2], limits=(0, 100))
    drawn = figure("runs", TITLE, "", lambda width: forest(plot, width), (), ()) if rows else None
    return [Item("runs", TITLE, HEADER, [cells(entry) for entry in found], str(drawn.drawings[-1]) if drawn else "")]


def cells(entry: Entry) -> tuple[str, ...]:
    """Return one line of the table."""
    rate = win_rate(entry)
    size = entry.metrics.get("n_total")
    status = "" if entry.status == "finished" else f"{entry.status}: "
    return (
        entry.name or entry.kind,
        time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.ended)),
        rate.text() if rate else "",
        "" if entry.kind == "sweep" else "" if size is None else count(size),
        entry.model,
        entry.judge,
        f"{status}{_chosen(entry)}",
        str(entry.directory),
    )


def _chosen(entry: Entry) -> str:
    jobs = f" ({len(entry.jobs)} job{'s' if len(entry.jobs) != 1 else ''})" if entry.kind == "sweep" else ""
    return (entry.label or MISSING) + jobs


def win_rate(entry: Entry) -> Estimate | None:
    """Return its win rate in percent with its 95% interval."""
    return metric(entry.metrics, "win_rate", "win_rate_ci_low", "win_rate_ci_high")


def as_json(entry: Entry) -> dict[str, Any]:
    """Return everything that is known of it."""
    content = asdict(entry) | {"directory": str(entry.directory), "jobs": len(entry.jobs)}
    return content | {"ended": time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(entry.ended))}
