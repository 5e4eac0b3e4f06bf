"""What a sweep shows at a glance, and the note that MLflow shows above it."""

from __future__ import annotations

from pathlib import Path

from alpacabench.analysis.estimate import count, dollars, duration, finite
from alpacabench.analysis.sentences.sweep import different, findings, headline
from alpacabench.analysis.sweep.table import SweepTable
from alpacabench.report.run_words import Tile


def sweep_note(table: SweepTable, report: Path, comparison: str | None) -> str:
    """Return what MLflow shows above a sweep, as Markdown: answer, base, findings, warnings, and where to read on."""
    parts = [
        f"**{headline(table)}**",
        f"Base: {table.base}" if table.base else "",
        "\n".join(f"- {sentence}" for sentence in [*findings(table), *table.warnings]),
        f"Report: `{report}`",
        f"[Compare the jobs]({comparison})" if comparison else "",
    ]
    return "\n\n".join(filter(None, parts))


def tiles(table: SweepTable) -> list[Tile]:
    """Return the figures to see at a glance."""
    done = [row for row in table.rows if not row.failure]
    failed = len(table.rows) - len(done)
    found = [Tile("Jobs", count(table.n_jobs), f"{failed} failed" if failed else "none failed")]
    if sizes := {row.n for row in done if not row.stopped}:
        found.append(
            Tile("Prompts in each", count(max(sizes)), "" if len(sizes) == 1 else f"fewest: {count(min(sizes))}")
        )
    if not table.saturated:
        found.append(Tile("Differ from the base", count(len(different(table))), "after Holm's correction"))
        found.append(Tile("Could be the best", count(sum(row.tied_with_best for row in done)), "not separable at 5%"))
    costs = [row.cost_usd for row in table.rows]
    if any(finite(cost) for cost in costs):
        total = sum(cost for cost in costs if finite(cost))
        found.append(Tile("Cost", dollars(total), "of this call" if all(map(finite, costs)) else "where known"))
    # Not the jobs' own time: what all of them ask may be asked before the first one starts.
    seconds = [table.metrics.get(name) for name in ("generate_seconds", "judge_seconds")]
    if any(finite(value) for value in seconds):
        total = sum(value for value in seconds if finite(value))
        found.append(Tile("Time", duration(total), "answers and verdicts"))
    return found
