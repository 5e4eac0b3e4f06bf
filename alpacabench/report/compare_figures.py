"""The plots of a comparison."""

from __future__ import annotations

from alpacabench.analysis.compare.result import ComparisonPage, SliceDelta
from alpacabench.analysis.estimate import FEW, decimal
from alpacabench.report.page import Figure, figure
from alpacabench.report.plot.bars import Bar, Segment, bars, stacked
from alpacabench.report.plot.forest import MANY_ROWS, Forest, ForestRow, forest
from alpacabench.report.slices import share, slice_note

POINTS = "Difference, percentage points (95% interval)"
EDGES = (-100, -80, -60, -40, -20, -1, 1, 20, 40, 60, 80, 100)
"""The middle bin holds the prompts whose score did not move by more than a point."""


def rates(pair: ComparisonPage) -> Figure:
    """Draw the win rates of both runs, raw and length-controlled."""
    first, second = _apart(pair.name_a, pair.name_b)
    rows = [
        ForestRow(f"{name}{suffix}", rate, kind=kind)
        for name, suffix, rate, kind in (
            (first, "", pair.win_rate_a, "base"),
            (second, "", pair.win_rate_b, ""),
            (first, " (LC)", pair.lc_a, "base"),
            (second, " (LC)", pair.lc_b, ""),
        )
        if rate
    ]
    plot = Forest(rows, "Win rate, % (95% interval)", limits=(0, 100))
    return figure(
        "rates",
        "Win rates",
        "The intervals of two runs on the same prompts may overlap although their difference is established: "
        "the paired difference decides. LC is length-controlled.",
        lambda width: forest(plot, width),
        ("Run", "Win rate, % (95% interval)"),
        [(row.label, row.estimate.text()) for row in rows if row.estimate],
    )


def _apart(a: str, b: str) -> tuple[str, str]:
    """Return what tells two runs of one model apart, 'MODEL (THIS)': there is no room for more beside a plot."""
    (model, _, own), (other, _, others_own) = a.partition(" ("), b.partition(" (")
    return (own[:-1], others_own[:-1]) if own and others_own and model == other else (a, b)


def differences(pair: ComparisonPage) -> Figure:
    """Draw the paired differences, raw and length-controlled."""
    rows = [ForestRow("Win rate", pair.delta_wr, kind="own")]
    if pair.delta_lc:
        rows.append(ForestRow("Length-controlled", pair.delta_lc))
    plot = Forest(rows, POINTS, 0, "no difference", signed=True, domain=(-pair.margin, pair.margin))
    return figure(
        "differences",
        f"Difference: {pair.name_b} minus {pair.name_a}",
        "Paired by prompt. An interval that crosses the dashed line does not show a difference.",
        lambda width: forest(plot, width),
        ("", "Points (95% interval)"),
        [(row.label, row.estimate.text(signed=True)) for row in rows if row.estimate],
    )


def flips(pair: ComparisonPage) -> Figure:
    """Draw how many prompts changed their winner, in both directions."""
    same = pair.n - pair.win_to_loss - pair.loss_to_win
    parts = [
        Segment(label, size, share(size, pair.n), kind)
        for label, size, kind in (
            ("To won", pair.loss_to_win, "win"),
            ("Same", same, "draw"),
            ("To lost", pair.win_to_loss, "loss"),
        )
    ]
    return figure(
        "flips",
        "Prompts that changed their winner",
        f"Seen from {pair.name_b}. The brackets are the 95% intervals of the two outer shares.",
        lambda width: stacked(parts, "Share of paired prompts, %", width),
        ("Change", "Prompts", "Share, % (95% interval)"),
        [(part.label, str(part.size), part.share.text()) for part in parts],
    )


def movement(pair: ComparisonPage) -> Figure | None:
    """Draw how far the preference moved, prompt by prompt."""
    if not pair.scores:
        return None
    counts = [0] * (len(EDGES) - 1)
    for a, b in pair.scores:
        counts[_bin(b - a)] += 1
    items = [
        Bar(_centre(i), share(size, pair.n), "loss" if i < 5 else "draw" if i == 5 else "win")
        for i, size in enumerate(counts)
    ]
    return figure(
        "movement",
        "How far the preference moved",
        f"Prompts by the change of the judge's preference from {pair.name_a} to {pair.name_b}. Each bar is named "
        "by its middle; the one at 0 holds changes of at most a point. Whiskers are 95% intervals.",
        lambda width: bars(items, "Change of preference, percentage points", "Share of prompts, %", width),
        ("Change, points", "Prompts", "Share, % (95% interval)"),
        [(_range(i), str(counts[i]), bar.estimate.text()) for i, bar in enumerate(items)],
    )


def slice_figures(pair: ComparisonPage) -> list[Figure]:
    """Draw the difference by slice, one plot per breakdown."""
    return [
        _slices(f"slices-{name.replace(' ', '-')}", f"Difference by {name}", rows)
        for name, rows in pair.slices.items()
        if len(rows) > 1
    ]


def _slices(key: str, title: str, slices: tuple[SliceDelta, ...]) -> Figure:
    rows = [
        ForestRow(item.name, item.delta, slice_note(item.n), "few" if item.n < FEW else "")
        for item in sorted(slices, key=lambda item: -item.n)
    ]
    plot = Forest(rows, POINTS, 0, "no difference", signed=True)
    return figure(
        key,
        title,
        "Largest slice first. Hollow points have fewer than 30 prompts: too few to conclude from.",
        lambda width: forest(plot, width),
        ("Slice", "Points (95% interval)", "Prompts"),
        [(row.label, row.estimate.text(signed=True), row.note) for row in rows if row.estimate],
        wide=len(rows) > MANY_ROWS,
    )


def _bin(change: float) -> int:
    if abs(change) <= 1:
        return 5
    return next(i for i in range(len(EDGES) - 1) if i != 5 and EDGES[i] <= change <= EDGES[i + 1])


def _range(index: int) -> str:
    return " to ".join(decimal(edge, 0, signed=True) for edge in EDGES[index : index + 2])


def _centre(index: int) -> str:
    return decimal(round((EDGES[index] + EDGES[index + 1]) / 20) * 10, 0, signed=True)
