"""Pairs with a known answer: what they are, that they are asked once, planned and paid, and that no score knows them."""

from __future__ import annotations

from alpacabench.core.records import Example
from alpacabench.judge.canaries import KINDS, ORDER, canaries

EXAMPLES = [Example(i, f"Question {i}?", f"Answer number {i}.") for i in range(9)]


def test_canaries_are_of_all_kinds_and_the_same_for_every_order_of_the_prompts() -> None:
    made = canaries(EXAMPLES, 12, 0)
    assert made == canaries(EXAMPLES[::-1], 12, 0) != canaries(EXAMPLES, 12, 1)
    assert [pair.canary for pair in made] == [*KINDS, *KINDS, "equal", "empty"]
    by_kind = {pair.canary: pair for pair in made[:5]}
    assert by_kind["equal"].output == by_kind["equal"].reference and by_kind["empty"].output == ""
    other = by_kind["other"].output
    assert other in {e.reference for e in EXAMPLES} - {by_kind["other"].reference}
    assert by_kind["injected"].output == other + ORDER
    assert by_kind["filler"].reference in by_kind["filler"].output
    assert len(canaries(EXAMPLES, 100, 0)) == 45
    lonely = canaries([EXAMPLES[0], Example(1, "No reference", None), Example(2, "Empty", " ")], 9, 0)
    assert [pair.canary for pair in lonely] == ["equal", "empty", "filler"]
