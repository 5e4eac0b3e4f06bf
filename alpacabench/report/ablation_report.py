"""The page of an ablation: what a system is sensitive to, what is noise, and the prompts that show it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from alpacabench.analysis.ablation.table import AblationTable
from alpacabench.analysis.sentences import ablation
from alpacabench.report import ablation_figures, ablation_words
from alpacabench.report.edits import pieces
from alpacabench.report.page import write_page


def write_ablation_report(path: Path | str, table: AblationTable, pages: Mapping[str, str] | None = None) -> Path:
    """Write the page of one ablation; needs no network to be read. `pages` are links, word to address."""
    figures = ablation_figures.figures(table)
    slices = {row.breakdown.replace(" ", "-") for row in table.slices}
    return write_page(
        path,
        "ablation.html",
        pages=pages or {},
        title=f"Ablation: {table.title}",
        table=table,
        headline=ablation.headline(table),
        sentences=ablation.findings(table),
        tiles=ablation_words.tiles(table),
        figures=[figure for figure in figures if figure.key not in slices],
        slices=[figure for figure in figures if figure.key in slices],
        statistic=ablation_words.statistic,
        pieces=pieces,
    )
