"""Scales, text and frontiers of the plots."""

from __future__ import annotations

import pytest

from alpacabench.analysis.estimate import Estimate, decimal, dollars, duration, p_value, probability, significant
from alpacabench.report.plot.points import Spot, frontier
from alpacabench.report.svg import element, fit, scale, text_width


@pytest.mark.parametrize("low,high", [(0, 1), (37.1, 48.9), (-8.7, 3.4), (0.00012, 0.00019), (5, 5), (0, 3e9)])
def test_a_scale_covers_its_values_with_round_distinct_ticks(low: float, high: float) -> None:
    axis = scale([low, high], 0, 300)
    labels = [label for _, label in axis.ticks]
    hair = (high - low) * 1e-9
    assert axis.low - hair <= low <= high <= axis.high + hair
    assert len(labels) == len(set(labels)) >= 2
    assert [float(label.replace("−", "-").replace(",", "")) for label in labels] == pytest.approx(
        [value for value, _ in axis.ticks], rel=1e-9, abs=1e-12
    )


def test_a_scale_keeps_within_what_is_possible() -> None:
    axis = scale([1.0, 97.0], 0, 300, limits=(0, 100))
    assert (axis.low, axis.high) == (0, 100)
    assert axis(250.0) == 300


def test_text_is_cut_to_its_place() -> None:
    for label in ("short", "a much longer label than there is room for", "長い名前の設定がここに入ります"):
        assert text_width(fit(label, 90)) <= 90
    assert fit("short", 90) == "short"


def test_children_and_attributes_are_escaped() -> None:
    assert element("text", "<b>", class_='"x') == '<text class="&#34;x">&lt;b&gt;</text>'


def test_the_frontier_holds_what_nothing_cheaper_beats() -> None:
    spots = [
        Spot(name, cost, Estimate(quality))
        for name, cost, quality in (
            ("cheap", 1, 30),
            ("worse", 2, 20),
            ("good", 3, 50),
            ("same price, worse", 3, 40),
            ("dear", 9, 50),
        )
    ]
    assert [spot.label for spot in frontier(spots)] == ["cheap", "good"]


@pytest.mark.parametrize("written,expected", [
    (decimal(-0.04), "0.0"), (decimal(1234.56, 1, True), "+1,234.6"), (decimal(float("nan")), "–"),
    (decimal(None), "–"),
    (dollars(0), "$0"), (dollars(None), "unknown"), (dollars(0.00003), "< $0.0001"), (dollars(0.6), "$0.60"),
    (duration(59.96), "60 s"), (duration(200), "3 min 20 s"), (duration(7500), "2 h 5 min"),
    (probability(0.0001), "< 0.001"), (significant(0.0213), "0.02130"), (significant("text"), "text"),
    (significant(1e-7), "1e−07"), (Estimate(1.0).range(), "–"),
    (p_value(0.0341), "p = 0.034"), (p_value(0.0341, leading_zero=False), "p = .034"), (p_value(1.0), "p = 1.000"),
    (p_value(0.0001), "p < 0.001"), (p_value(0.0001, leading_zero=False), "p < .001"), (p_value(None), "p = –"),
])  # fmt: skip
def test_figures_are_written_for_readers(written: str, expected: str) -> None:
    assert written == expected
