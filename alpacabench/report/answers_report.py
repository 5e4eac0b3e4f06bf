"""A sweep without a judge, on its page and on the terminal: figures of the answers alone, and no conclusion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alpacabench.analysis.estimate import count, decimal, dollars, duration, finite
from alpacabench.report.explorer_page import EVERY_ANSWER
from alpacabench.report.page import write_page
from alpacabench.report.run_words import Tile

HEADLINE = "Answers alone: nobody judged them (judge=none)"
JUDGE_LATER = (
    "To have a job's answers judged: model=recorded with model.path at its model_outputs.json, and a judge; or the "
    "same command with a judge, which writes no answer again."
)
COLUMNS = (
    ("answers", "n_answers", count), ("missing", "n_failed", count), ("mean length", "avg_length", decimal),
    ("cut off, %", "truncated_share", None), ("empty, %", "empty_share", None),
    ("cost", "full_cost_usd", dollars),
    ("per answer", "seconds_per_answer", duration),
)  # fmt: skip
"""Title, metric, and what writes it; a share is written in per cent."""
PLAIN_WIDTH = 140


@dataclass(frozen=True, slots=True)
class AnswersRow:
    """One job."""

    name: str
    metrics: Mapping[str, float]
    failure: str


@dataclass(frozen=True, slots=True)
class AnswersTable:
    """All jobs."""

    title: str
    rows: Sequence[AnswersRow]
    about: Mapping[str, str]

    @property
    def header(self) -> list[str]:
        """The columns' titles; checks' violation rates stand last."""
        return [title for title, _, _ in COLUMNS] + [f"{name}, %" for name in self._checks]

    @property
    def _checks(self) -> list[str]:
        found = (name for row in self.rows for name in row.metrics if name.startswith("violation_rate/"))
        return [name.partition("/")[2] for name in dict.fromkeys(found)]

    def cells(self, row: AnswersRow) -> list[str]:
        """Return a job's figures as texts; what is unknown is a dash."""
        found = [_cell(row.metrics.get(name), write) for _, name, write in COLUMNS]
        return found + [_cell(row.metrics.get(f"violation_rate/{name}"), decimal) for name in self._checks]


def _cell(value: float | None, write: object) -> str:
    if not finite(value):
        return "–"
    return str(write(value)) if callable(write) else decimal(100 * value)


def write_answers_report(path: Path, table: AnswersTable, explorer: str | None) -> Path:
    """Write the page; `explorer` is the file of every answer beside it."""
    done = [row for row in table.rows if row.metrics]
    failed = [row for row in table.rows if not row.metrics]
    tiles = [
        Tile("Jobs", count(len(table.rows)), f"{len(failed)} failed" if failed else "none failed"),
        Tile("Answers", count(sum(row.metrics.get("n_answers", 0) for row in done)), "in all jobs"),
    ]
    return write_page(
        path,
        "answers.html",
        title=f"Sweep: {table.title}",
        table=table,
        headline=HEADLINE,
        later=JUDGE_LATER,
        tiles=tiles,
        done=done,
        failed=failed,
        pages={EVERY_ANSWER: explorer} if explorer else {},
    )


def show(table: AnswersTable) -> None:
    """Print the table."""
    from rich.table import Table

    from alpacabench.security.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    grid = Table(title=table.title, title_justify="left", caption=HEADLINE, caption_justify="left")
    for number, column in enumerate(["", *table.header]):
        grid.add_column(column, overflow="fold", justify="right" if number else "left")
    for row in table.rows:
        if row.metrics:
            grid.add_row(row.name, *table.cells(row))
        else:
            grid.add_row(row.name, f"failed: {row.failure}", style="red")
    console.print(grid)
    console.print(f"- {JUDGE_LATER}", highlight=False, soft_wrap=True)
