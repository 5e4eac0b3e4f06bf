"""From outcomes to the metrics of a run: what is given, what is refused, and why."""

from __future__ import annotations

import math

from alpacabench.core.records import Example, Generation, Outcome, Pair, Prompt, Verdict
from alpacabench.scoring.difficulty import DifficultyTable
from alpacabench.scoring.scoring import Difficulties, Scores, Scoring

HUB_AWAY = "the Hub cannot be reached"


def outcome(index: int, first: float | None, second: float | None) -> Outcome:
    """One prompt judged in both orders; None is a verdict that failed."""
    example = Example(index, f"Question {index}?", "R" * (20 + index * 7 % 30))
    prompt = Prompt(example, example.instruction)
    text = "A" * (20 + index * 11 % 40)
    pair = Pair(example, example.instruction, example.reference or "", text)
    verdicts = (Verdict(pair, first, True), Verdict(pair, second, False))
    return Outcome(prompt, (Generation(prompt, text),), verdicts)


def scored(outcomes: list[Outcome], difficulties: Difficulties) -> Scores:
    return Scoring(bootstrap=100).score(outcomes, [o.example for o in outcomes], difficulties, "a judge")


def test_a_failed_verdict_leaves_only_its_own_prompt_out_of_the_slot_metrics() -> None:
    complete = [outcome(index, 1.0, 2.0) for index in range(3)] + [outcome(3, 2.0, 2.0)]
    failed = [outcome(4, None, 1.0), outcome(5, 1.0, None)]
    found = scored(complete + failed, Difficulties(None, HUB_AWAY)).metrics
    assert found["order_consistency"] == 0.25
    assert (found["win_rate_first"], found["win_rate_second"], found["position_gap"]) == (25, 100, 75)
    assert math.isclose(found["position_gap_se"], 25)
    assert found["n_total"] == 6, "the win rate counts the verdict that there is"


def test_a_metric_that_needs_the_missing_table_is_refused_for_what_kept_the_table_away() -> None:
    found = scored([outcome(0, 1.0, 2.0)], Difficulties(None, HUB_AWAY))
    assert found.refused["length_controlled_winrate"] == HUB_AWAY
    assert "too few" in found.refused["length_controlled_winrate_noreg"]


def test_with_the_table_at_hand_a_metric_is_refused_for_its_own_reason() -> None:
    judged = [outcome(index, 1.0, 2.0) for index in range(4)]
    rows = {o.example.instruction: o.example.index for o in judged}
    table = DifficultyTable({text: 0.0 for text in rows}, rows, gamed_features=None, gamed_outcomes=None)  # type: ignore[arg-type]
    assert "here a judge against" in scored(judged, Difficulties(table)).refused["length_controlled_winrate"]
