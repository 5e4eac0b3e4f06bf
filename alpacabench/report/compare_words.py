"""What a comparison of two runs says, in plain words."""

from __future__ import annotations

from alpacabench.analysis.compare.result import ComparisonPage
from alpacabench.analysis.decision import HALF_POWER, side
from alpacabench.analysis.estimate import Estimate, count, decimal, finite, p_value
from alpacabench.report.run_words import Tile


def headline(pair: ComparisonPage) -> str:
    """Return the verdict in one line."""
    if pair.saturated:
        return f"Nothing can be concluded: every verdict of {pair.name_a} and {pair.name_b} is the same"
    if pair.established:
        return f"{pair.name_b} wins {'more' if pair.delta_wr.value > 0 else 'less'} often than {pair.name_a}"
    if pair.equivalent:
        return f"{pair.name_b} and {pair.name_a} are equivalent within {decimal(pair.margin)} points"
    return f"{pair.name_b} and {pair.name_a} are not shown to differ"


def sentences(pair: ComparisonPage) -> list[str]:
    """Return the findings, the most important first."""
    flips = pair.win_to_loss + pair.loss_to_win
    found = [
        f"{pair.name_a} wins {pair.win_rate_a.percent()}, {pair.name_b} {pair.win_rate_b.percent()} of the same "
        f"{count(pair.n)} prompts: a difference of {pair.delta_wr.text(signed=True)} points (95% intervals)."
    ]
    if pair.delta_lc:
        found.append(_length(pair, pair.delta_lc))
    found.append(
        f"{count(flips)} prompts changed their winner: {count(pair.loss_to_win)} in favour of {pair.name_b}, "
        f"{count(pair.win_to_loss)} against it (exact McNemar test, {p_value(pair.mcnemar_p)})."
    )
    found += _equivalence(pair)
    detectable = pair.metrics.get("mde_80_paired")
    if finite(detectable) and detectable < 100:
        found.append(
            f"With these prompts a difference of {decimal(detectable)} points is found with 80% power, one of "
            f"{decimal(HALF_POWER * detectable)} with 50%."
        )
    return found


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


def _length(pair: ComparisonPage, delta: Estimate) -> str:
    name = "Length-controlled" if pair.lc_name == "length_controlled_winrate" else "Length-controlled, not regularised"
    found = f"{name}, the difference is {delta.text(signed=True)} points"
    part = pair.raw_minus_lc
    if part is None:
        return f"{found}."
    verdict = "length accounts for" if side(part) else "it is not shown that length accounts for any of the difference;"
    return f"{found}: {verdict} {part.text(signed=True)} points (raw minus length-controlled)."


def _equivalence(pair: ComparisonPage) -> list[str]:
    if pair.equivalent is None:
        return []
    inside = "lies within" if pair.equivalent else "does not lie within"
    claim = "they are equivalent for that margin" if pair.equivalent else "equivalence is not shown"
    return [f"The 90% interval of the difference {inside} ±{decimal(pair.margin)} points: {claim}."]
