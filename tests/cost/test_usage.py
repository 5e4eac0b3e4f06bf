"""What a run paid now, and what its answers and verdicts cost when they were made."""

from __future__ import annotations

from alpacabench.core.records import Example, Generation, Pair, Prompt, Verdict
from alpacabench.cost.usage import Usage, usage


def _usage(generations: list[Generation], verdicts: list[Verdict]) -> Usage:
    return usage(
        generations, verdicts, generate_seconds=1.0, judge_seconds=1.0, model_loads=0, peak_memory_bytes=0
    )  # fmt: skip


def _answer(key: str, cost: float | None, seconds: float, cached: bool) -> Generation:
    prompt = Prompt(Example(0, "Q?", "R"), "Q?")
    return Generation(prompt, "A", seconds=seconds, key=key, cost_usd=cost, cached=cached)


def _verdict(key: str, cost: float | None, cached: bool, output: str = "A") -> Verdict:
    return Verdict(Pair(Example(0, "Q?", "R"), "Q?", "R", output), 2.0, True, key=key, cost_usd=cost, cached=cached)


def test_what_the_store_had_costs_nothing_now_but_keeps_what_it_cost_when_it_was_made() -> None:
    found = _usage(
        [_answer("a", 0.5, 4.0, cached=True), _answer("b", 0.25, 2.0, cached=False)],
        [_verdict("v", 0.125, cached=True), _verdict("w", 0.0625, cached=False), _verdict("", 0.0, False, output="R")],
    )
    assert (found.cost_usd, found.full_cost_usd) == (0.3125, 0.9375)
    assert found.seconds_per_answer == 3.0 and found.latency_p50_seconds == 2.0


def test_recorded_answers_and_unknown_prices_have_no_cost() -> None:
    recorded = _usage([_answer("", 0.0, 0.0, cached=False)], [_verdict("v", 0.5, cached=False)])
    assert (recorded.cost_usd, recorded.full_cost_usd, recorded.seconds_per_answer) == (0.5, None, None)
    judged_elsewhere = _usage([_answer("a", 0.5, 4.0, cached=True)], [_verdict("", 0.0, cached=False)])
    assert (judged_elsewhere.full_cost_usd, judged_elsewhere.seconds_per_answer) == (None, 4.0)
    unknown = _usage([_answer("a", None, 4.0, cached=True)], [_verdict("v", 0.5, cached=False)])
    assert (unknown.cost_usd, unknown.full_cost_usd) == (0.5, None)
    assert "full_cost_usd" not in unknown.metrics()
