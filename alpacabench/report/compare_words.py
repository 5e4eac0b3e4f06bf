"""What a comparison of two runs shows at a glance."""

from __future__ import annotations

from alpacabench.analysis.compare.result import ComparisonPage
from alpacabench.analysis.estimate import MISSING, count, decimal, finite, probability
from alpacabench.report.run_words import Tile

MOST, LONGEST_VALUE = 4, 40
"""Differences that a line names, and characters of a value in it."""


def compared(pair: ComparisonPage) -> str:
    """Return in what the two differ, in one line; nothing where their files do not tell."""
    named = [f"{key} {_value(before)} → {_value(after)}" for key, (before, after) in pair.differences.items()]
    more = [f"{len(named) - MOST} more, in the table below"] if len(named) > MOST else []
    return f"What differs: {'; '.join([*named[:MOST], *more])}." if named else ""


def summary(pair: ComparisonPage) -> list[tuple[str, str, str]]:
    """Return both win rates, their difference and its p value, raw and length-controlled: a table for a paper."""
    figures = pair.metrics
    p, p_lc = figures.get("delta_p"), figures.get("delta_lc_p", figures.get("delta_lc_noreg_p"))
    lc = [one.text() if one else MISSING for one in (pair.lc_a, pair.lc_b)]
    difference = [one.text(signed=True) if one else MISSING for one in (pair.delta_wr, pair.delta_lc)]
    return [
        (pair.name_a, pair.win_rate_a.text(), lc[0]),
        (pair.name_b, pair.win_rate_b.text(), lc[1]),
        ("Difference, points", difference[0], difference[1]),
        ("p", probability(p), probability(p_lc)),
    ]


def _value(text: str) -> str:
    return text if text and len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…" if text else "unset"


def tiles(pair: ComparisonPage) -> list[Tile]:
    """Return the figures to see at a glance."""
    found = [Tile("Difference", decimal(pair.delta_wr.value, signed=True), f"95% {pair.delta_wr.range(signed=True)}")]
    if pair.delta_lc:
        label = "LC difference" if pair.lc_name == "length_controlled_winrate" else "LC, not regularised"
        found.append(Tile(label, decimal(pair.delta_lc.value, signed=True), f"95% {pair.delta_lc.range(signed=True)}"))
    found.append(Tile("Lost to won", count(pair.loss_to_win), "prompts"))
    found.append(Tile("Won to lost", count(pair.win_to_loss), "prompts"))
    if finite(gain := pair.metrics.get("variance_reduction")):
        found.append(Tile("Gain of pairing", f"{decimal(gain)}×", "less variance"))
    found.append(Tile("Paired prompts", count(pair.n)))
    return found
