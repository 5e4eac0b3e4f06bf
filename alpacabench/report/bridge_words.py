"""A bridge between two judges in words and rows, for the terminal and the page."""

from __future__ import annotations

from pathlib import Path

from alpacabench.analysis.bridge import Bridge
from alpacabench.analysis.estimate import decimal
from alpacabench.analysis.sentences import judges
from alpacabench.report.page import write_page

CONVERT = ("win rate under the old judge, %", "under the new one, % (95% interval)")
SIDES = ("old judge says", "new: reference", "new: draw", "new: model")


def rows(found: Bridge) -> dict[str, str]:
    """Return the figures by name."""
    kappa, rank = (
        "not defined: one side only" if value is None else decimal(value, 3)
        for value in (found.kappa, found.rank_correlation)
    )
    return {
        f"Win rate under {found.old}": found.win_rate_old.percent(),
        f"Win rate under {found.new}": found.win_rate_new.percent(),
        "Agreement beyond chance (Cohen's kappa of the sides)": kappa,
        "Rank correlation of the verdicts (Spearman)": rank,
        "Prompts with a verdict of both, left out": f"{found.n}, {found.n_left_out}",
    }


def sides(found: Bridge) -> list[list[str]]:
    """Return how many prompts each judge gives to each side."""
    return [[side, *map(str, beside.values())] for side, beside in found.sides.items()]


def conversion(found: Bridge) -> list[list[str]]:
    """Return the rows of the table to convert."""
    return [[f"{rate:g}", moved.text()] for rate, moved in found.table]


def write_bridge_page(path: Path | str, found: Bridge) -> Path:
    """Write the page."""
    tables = [("Convert a win rate", CONVERT, conversion(found)), ("Verdicts by side", SIDES, sides(found))]
    lead = "The table holds for answers like these."
    return write_page(
        path, "judge.html", kicker="Two judges, the same answers", title=judges.bridge(found), lead=lead,
        facts=rows(found), tables=tables, warnings=(),
    )  # fmt: skip
