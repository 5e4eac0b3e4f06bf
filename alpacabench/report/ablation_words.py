"""What an ablation shows at a glance, and the statistics over several wordings by name."""

from __future__ import annotations

from alpacabench.analysis.ablation.table import AblationTable, OfK
from alpacabench.analysis.estimate import count, decimal
from alpacabench.report.run_words import Tile

STATISTICS = {
    "worst_of_k": ("Worst of {k}, %", "The win rate if each prompt met its worst wording"),
    "best_of_k": ("Best of {k}, %", "The win rate if each prompt met its best wording"),
    "spread_item": ("Best less worst, points", "Mean over prompts"),
    "spread_prompt": ("Highest less lowest win rate, points", "Of whole runs (FormatSpread)"),
    "pss": ("PSS", "Mean difference between two wordings of a prompt, 0 to 1 (ProSA)"),
}
"""Title and meaning of each statistic over k wordings."""


def tiles(table: AblationTable) -> list[Tile]:
    """Return the figures to see at a glance."""
    found = [Tile("Unchanged prompts", f"{decimal(table.win_rate.value)}%", f"win rate, 95% {table.win_rate.range()}")]
    if (tested := table.robustness_families) and not table.saturated:
        found.append(Tile("Sensitive to", f"{sum(f.sensitive for f in tested)} of {len(tested)}", "families"))
    if table.floor_flip_rate and not table.saturated:
        note = "flipped by decoding again"
        found.append(Tile("Noise floor", f"{decimal(table.floor_flip_rate.value)}%", note))
    if table.spread and (one := table.spread.robustness):
        found.append(Tile("Robustness", decimal(one.value, 3), f"95% {one.range(3)}; 1: only chance"))
    if table.spread:
        worst, k = table.spread.statistics[0], table.spread.k
        again = f"of {k} re-decodes: {decimal(worst.decodes.value)}%" if worst.decodes else "re-decodes unknown"
        if worst.wordings:
            found.append(Tile(f"Worst of {k} wordings", f"{decimal(worst.wordings.value)}%", again))
        elif worst.decodes:
            found.append(Tile(f"Worst of {k} decodes", f"{decimal(worst.decodes.value)}%", worst.decodes.range()))
    found.append(Tile("Prompts", count(table.n), f"{len(table.rows)} variants, {len(table.floors)} re-decodes"))
    return found


def statistic(found: OfK, k: int) -> tuple[str, str]:
    """Return the title and the meaning of a statistic over k wordings."""
    title, meaning = STATISTICS[found.name]
    return title.format(k=k), meaning
