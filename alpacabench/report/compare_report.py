"""The page that compares two runs prompt by prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from alpacabench.analysis.compare.result import ComparisonPage, FlippedPrompt
from alpacabench.analysis.sentences import compare
from alpacabench.report import compare_figures, compare_words
from alpacabench.report.page import write_page

MAIN = ("what-was-found", "differences")
"""The table and the plot that stand for the page."""
MAX_FLIPS = 40
"""Flipped prompts that are shown in full in each direction, the largest change first."""


def write_compare_report(path: Path | str, comparison: ComparisonPage, pages: Mapping[str, str] | None = None) -> Path:
    """Write the page of one comparison; needs no network to be read. `pages` are links, word to address."""
    pair = comparison
    movement = compare_figures.movement(pair)
    top = [movement, compare_figures.differences(pair), compare_figures.flips(pair)]
    return write_page(
        path,
        "compare.html",
        pages=pages or {},
        title=f"{pair.name_b} against {pair.name_a}",
        pair=pair,
        headline=compare.headline(pair),
        compared=compare_words.compared(pair),
        summary=compare_words.summary(pair),
        sentences=compare.findings(pair),
        tiles=compare_words.tiles(pair),
        tall_first=movement is not None,
        top=[figure for figure in top if figure],
        more=[compare_figures.rates(pair), *compare_figures.slice_figures(pair)],
        won=_largest_first([flip for flip in pair.flips if flip.preference_b > flip.preference_a]),
        lost=_largest_first([flip for flip in pair.flips if flip.preference_b < flip.preference_a]),
        max_flips=MAX_FLIPS,
    )


def _largest_first(flips: Sequence[FlippedPrompt]) -> list[FlippedPrompt]:
    return sorted(flips, key=lambda flip: (-abs(flip.preference_b - flip.preference_a), flip.index))
