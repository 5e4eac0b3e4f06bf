"""The plots of one run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from alpacabench.analysis.estimate import Estimate, Number, decimal
from alpacabench.core.records import Outcome
from alpacabench.report.page import Figure, figure
from alpacabench.report.plot.bars import Bar, Segment, bars, stacked
from alpacabench.report.plot.forest import MANY_ROWS, Forest, ForestRow, forest
from alpacabench.report.plot.points import Trend, cloud
from alpacabench.report.run_words import length_controlled
from alpacabench.report.slices import Scored, mean, metric, share, slice_note, slices
from alpacabench.report.svg import Scale

WIN_RATE = "Win rate, % (95% interval)"
PERCENT = (0.0, 100.0)
OCTAVES = 3
"""Draw the length ratios are drawn from 1/8 to 8; more extreme ones are held at the edge."""
RATIOS = ("⅛", "¼", "½", "1", "2", "4", "8")
GROUPS = 5
POINTS_ONLY = (
    ("length_controlled_winrate_official", "Official LC fit", "alpaca_eval's cross-validated value"),
    ("discrete_win_rate", "Rounded verdicts", "each prompt is won, drawn or lost"),
    ("win_rate_slot_balanced", "Slot-balanced", "both places in the judge's prompt weigh the same"),
)
"""Metric, label and meaning of the figures that have no interval of their own."""
BINS = 10


def rates(rate: Estimate, metrics: Mapping[str, Number]) -> Figure:
    """Draw the raw, slot-balanced and length-controlled win rate side by side."""
    label, controlled = length_controlled(metrics)
    rows = [ForestRow("Win rate", rate, kind="own")]
    caption = "The bar is the 95% interval."
    if controlled:
        rows.append(ForestRow(label, controlled))
        caption += " Length control estimates the rate at equal answer length."
    points = [(name, metric(metrics, key, "", ""), meaning) for key, name, meaning in POINTS_ONLY]
    for name, value, meaning in points:
        if value:
            rows.append(ForestRow(name, value, kind="muted"))
            caption += f" {name}: {meaning}; no interval."
    plot = Forest(rows, WIN_RATE, 50, "even", PERCENT, domain=(40, 60))
    return _forest_figure("rates", "Win rate, raw and length-controlled" if controlled else "Win rate", caption, plot)


def verdicts(pairs: Sequence[Scored]) -> Figure:
    """Draw wins, draws and losses."""
    n = len(pairs)
    wins, losses = sum(score > 50 for _, score in pairs), sum(score < 50 for _, score in pairs)
    parts = [
        Segment(label, size, share(size, n), kind)
        for label, size, kind in (
            ("Wins", wins, "win"),
            ("Draws", n - wins - losses, "draw"),
            ("Losses", losses, "loss"),
        )
    ]
    return figure(
        "verdicts",
        "Wins, draws and losses",
        "Each prompt counts once. The brackets are the 95% intervals of the share of wins (above) and of "
        "losses (below).",
        lambda width: stacked(parts, "Share of scored prompts, %", width),
        ("Verdict", "Prompts", "Share, % (95% interval)"),
        [(part.label, str(part.size), part.share.text()) for part in parts],
    )


def certainty(pairs: Sequence[Scored]) -> Figure:
    """Draw how sure the judge was."""
    counts = [0] * BINS
    for _, score in pairs:
        counts[min(BINS - 1, int(score * BINS / 100))] += 1
    size = 100 // BINS
    items = [
        Bar(f"{size * i}–{size * (i + 1)}", share(number, len(pairs)), "loss" if i < BINS // 2 else "win")
        for i, number in enumerate(counts)
    ]
    return figure(
        "certainty",
        "How sure the judge was",
        "Prompts by preference for the model: at the left the judge is sure of the reference, at the right of "
        "the model. Whiskers are 95% intervals.",
        lambda width: bars(items, "Preference for the model, %", "Share of prompts, %", width),
        ("Preference, %", "Prompts", "Share, % (95% interval)"),
        [(bar.label, str(number), bar.estimate.text()) for bar, number in zip(items, counts, strict=True)],
    )


def position(pairs: Sequence[Scored]) -> Figure | None:
    """Draw the win rate by the place in which the judge saw the model's answer."""
    rows = []
    for label, first in (("Model shown first", True), ("Model shown second", False)):
        places = [
            [v.preference for v in outcome.verdicts if v.preference is not None and v.model_first is first]
            for outcome, _ in pairs
        ]
        scores = [(sum(place) / len(place) - 1) * 100 for place in places if place]
        rows.append(ForestRow(label, mean(scores), slice_note(len(scores))))
    if not all(row.estimate for row in rows):
        return None
    plot = Forest(rows, WIN_RATE, limits=PERCENT)
    return _forest_figure(
        "position",
        "Does the place decide?",
        "Win rate by the place in which the judge saw the model's answer. A judge without position "
        "bias gives the same rate in both.",
        plot,
    )


def slice_figure(
    key: str,
    title: str,
    pairs: Sequence[Scored],
    rate: Estimate,
    of: Callable[[Outcome], Sequence[str]],
    note: str = "",
) -> Figure | None:
    """Draw the win rate of each slice; None where there is only one."""
    rows = slices(pairs, of)
    if len(rows) < 2:
        return None
    plot = Forest(rows, WIN_RATE, rate.value, f"all prompts {decimal(rate.value)}", PERCENT)
    return _forest_figure(
        key,
        title,
        "Largest slice first. Hollow points have fewer than 30 prompts: too few to conclude from. "
        f"With many slices, one outside its interval by chance is to be expected.{note}",
        plot,
    )


def length(pairs: Sequence[Scored]) -> Figure | None:
    """Draw the length ratio against preference; None where no length is known."""
    points = sorted(
        (_octaves(outcome), score)
        for outcome, score in pairs
        if outcome.output is not None and outcome.example.reference
    )
    if len(points) < GROUPS:
        return None
    cuts = [round(i * len(points) / GROUPS) for i in range(GROUPS + 1)]
    groups = [points[a:b] for a, b in zip(cuts, cuts[1:], strict=False)]
    trend = [
        Trend(group[len(group) // 2][0], estimate) for group in groups if (estimate := mean([s for _, s in group]))
    ]
    ticks = tuple((float(i), f"{name}×") for i, name in zip(range(-OCTAVES, OCTAVES + 1), RATIOS, strict=True))
    x = Scale(-OCTAVES, OCTAVES, 0, 1, ticks)
    return figure(
        "length",
        "Does length decide?",
        "Each faint dot is a prompt; lengths are in characters. The line is the mean preference in five equal groups "
        "by length, with its 95% interval. A line that rises to the right means that longer answers win more often, "
        "by bias or because they are better.",
        lambda width: cloud(
            points,
            trend,
            x,
            "Length, times the reference's (log scale)",
            "Preference for the model, %",
            width,
        ),
        ("Median length ratio", "Prompts", "Mean preference, % (95% interval)"),
        [(f"{2**mark.x:.2f}×", str(len(group)), mark.y.text()) for mark, group in zip(trend, groups, strict=True)],
    )


def _octaves(outcome: Outcome) -> float:
    own, reference = len(outcome.output or ""), len(outcome.example.reference or "")
    return min(max(math.log2(own / reference), -OCTAVES), OCTAVES) if own else -float(OCTAVES)


def _forest_figure(key: str, title: str, caption: str, plot: Forest) -> Figure:
    rows = [
        (row.label, decimal(row.estimate.value), row.estimate.range(), row.note) for row in plot.rows if row.estimate
    ]
    return figure(
        key,
        title,
        caption,
        lambda width: forest(plot, width),
        ("", "Win rate, %", "95% interval", "Prompts"),
        rows,
        wide=len(plot.rows) > MANY_ROWS,
    )
