"""What a comparison of two runs shows at a glance."""

from __future__ import annotations

from alpacabench.analysis.compare.result import ComparisonPage
from alpacabench.analysis.estimate import count, decimal, finite
from alpacabench.report.run_words import Tile


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
