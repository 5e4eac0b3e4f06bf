"""`sweep.html`: all jobs of a sweep on one page, and what may be concluded from them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from alpacabench.analysis.sentences import sweep
from alpacabench.analysis.sweep.table import SweepTable
from alpacabench.report import sweep_figures, sweep_words
from alpacabench.report.page import write_page


def write_sweep_report(path: Path | str, table: SweepTable, pages: Mapping[str, str] | None = None) -> Path:
    """Write the page of one sweep; needs no network to be read. `pages` are links, word to address."""
    ranked = sorted(table.rows, key=lambda row: -row.win_rate.value if row.win_rate else float("inf"))
    return write_page(
        path,
        "sweep.html",
        pages=pages or {},
        title=f"Sweep: {table.title}",
        table=table,
        base=next((row for row in table.rows if row.name == table.base), None),
        headline=sweep.headline(table),
        sentences=sweep.findings(table),
        tiles=sweep_words.tiles(table),
        figures=sweep_figures.figures(table),
        rows=[row for row in ranked if not row.failure and not row.stopped],
        stopped=[row for row in ranked if row.stopped],
        failed=[row for row in ranked if row.failure],
    )
