"""The sweep's table on the terminal: every job with its interval, and its paired difference to the base."""

from __future__ import annotations

from alpacabench.analysis.estimate import probability
from alpacabench.analysis.sentences.sweep import findings
from alpacabench.analysis.sweep.table import SweepTable
from alpacabench.security.console import Console

PLAIN_WIDTH = 140
"""Columns where the output is no terminal: a log file has no width of its own."""

LC_COLUMN = "length-controlled, %"
BEST = {"best": "yes", "tied": "maybe", "": "no"}


def show(table: SweepTable) -> None:
    """Print the table and what follows from it."""
    from rich.table import Table

    # Labels and failures quote what users and models wrote: "[/INST]" is no markup, ":key:" no emoji.
    console = Console()
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    grid = Table(title=table.title, title_justify="left", caption=_caption(table), caption_justify="left")
    own, lc = (any(getattr(row, name) for row in table.rows) for name in ("own_win_rate", "lc"))
    optional = ["own prompts, %"] if own else []
    optional += [LC_COLUMN if not table.lc_name.endswith("_noreg") else f"{LC_COLUMN}, not regularised"] if lc else []
    columns = ["", "win rate, % (95%)", *optional, "difference, points (95%)", "p (Holm)", "n", "best?"]
    trusted = ["judge"] if table.trusted() else []
    for column in [*columns, *trusted, *(["replicates"] if table.replicated else [])]:
        grid.add_column(column, overflow="fold")
    empty = [""] * len(optional)
    for row in table.rows:
        if row.stopped:
            grid.add_row(
                table.label(row), row.stopped.partition(":")[0], *empty, "", "", str(row.n), "no", style="yellow"
            )
            continue
        if row.win_rate is None:
            grid.add_row(table.label(row), f"failed: {row.failure}", style="red")
            continue
        delta = table.delta(row)
        difference = delta.text(signed=True) if delta else "base" if row.name == table.base else ""
        adjusted = probability(row.p_holm) if delta else ""
        counted = [str(row.replicates)] if table.replicated else []
        tied = BEST[table.place(row)] if len(table.rows) > 1 and not table.saturated else ""
        figures = [row.own_win_rate.text() if row.own_win_rate else ""] if own else []
        figures += [row.lc.text() if row.lc else ""] if lc else []
        told = [row.trust.partition(" (")[0]] if trusted else []
        best = [adjusted, str(row.n), tied, *told, *counted]
        grid.add_row(table.label(row), row.win_rate.text(), *figures, difference, *best)
    console.print(grid)
    for sentence in (*findings(table), *table.warnings):
        console.print(f"- {sentence}", highlight=False, soft_wrap=True)


def _caption(table: SweepTable) -> str:
    base = next((table.label(row) for row in table.rows if row.name == table.base), None)
    if base is None:
        return ""
    what = "" if table.decides == "win_rate" else " in the length-controlled win rate"
    return f"differences{what} are paired, prompt by prompt, to: {base}"
