"""The validity gate: its error rates on a labelled set of ours, its reasons, and its verdict on every family."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alpacabench.core.records import Example
from alpacabench.perturbation.validity.facts import changed_facts
from alpacabench.perturbation.validity.gate import check
from tests.helpers.perturbation_options import FROM_FILE, STEMS, choices, perturbation, real_instructions


def labelled(name: str) -> list[dict[str, Any]]:
    """Return the labelled pairs of a file."""
    lines = (Path(__file__).resolve().parents[1] / "data" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


PAIRS = labelled("gate_pairs")
TEXTS = [
    "Explain why bread rises, and say what yeast does.",
    "Could you write a thank-you note to Maria for the 3 books that she lent me? She lives in Porto.",
    "Which of these words is a verb?\n\ngarden, sleep, yellow",
    "How do I fix `TypeError: 'int' object is not iterable` in my loop?",
    'Suggest a name for a bakery and do not use the word "crust".',
]


def test_planted_changes_are_rejected_and_harmless_edits_pass() -> None:
    rates = {}
    for same in (True, False):
        pairs = [pair for pair in PAIRS if pair["same_task"] is same]
        right = [check(pair["original"], pair["variant"]).same_task is same for pair in pairs]
        assert len(right) >= 60
        rates[same] = sum(right) / len(right)
    assert rates[True] >= 0.95, "harmless edits that pass"
    assert rates[False] >= 0.95, "planted changes that are rejected"


@pytest.mark.parametrize(("name", "least_passed"), [("gate_heldout", 0.38), ("gate_heldout_2", 0.54)])
def test_free_rewordings_as_models_write_them_meet_a_gate_that_rejects_what_it_cannot_follow(
    name: str, least_passed: float
) -> None:
    """Written before the gate was run on them; the second after the gate was last changed.

    First runs: 14% of the first and 54% of the second set's harmless rewordings passed, 98% and 100% of the changed
    tasks were rejected. Rules over words go no further: `perturbation.checker` decides what they cannot follow.
    """
    pairs = labelled(name)
    for same, least in ((True, least_passed), (False, 0.95)):
        right = [check(p["original"], p["variant"]).same_task is same for p in pairs if p["same_task"] is same]
        assert sum(right) / len(right) >= least


@pytest.mark.parametrize("name", ["gate_heldout", "gate_heldout_2"])
def test_the_facts_that_rules_decide_beside_a_checker_are_kept_by_every_harmless_rewording(name: str) -> None:
    assert [
        (p, r) for p in labelled(name) if p["same_task"] and (r := changed_facts(p["original"], p["variant"]))
    ] == []


@pytest.mark.parametrize(
    ("original", "variant", "reason"),
    [
        ("About 100 words on tea.", "About 1000 words on tea.", "number '100' is missing"),
        ("Why do cats purr?", "Do cats purr?", "'why' is no longer asked"),
        ("Give me 5 tips.", "Give me 6 tips.", "number '5' is missing"),
        ("Ask Anna about Ben.", "Ask Carl about Ben.", "the name 'anna' is missing"),
        ("List birds that do not fly.", "List birds that fly.", "the negation 'not' is missing"),
        ('Use "serene" once.', 'Use "severe" once.', "quoted text changed: '\"serene\"'"),
        ("Explain `a == b`.", "Explain `a != b`.", "code changed: '`a == b`'"),
        ("Write a poem about tea.", "Write a sad poem about tea.", "added: 'sad'"),
        ("What is tea?", "What is tea? Answer in German.", "an added sentence demands something: 'german'"),
        ("Is a dog smarter than a pig?", "Is a pig smarter than a dog?", "words changed places: 'dog'"),
        ("When did it rain?", "Why did it rain?", "'when' became 'why'"),
    ],
)
def test_a_rejection_says_what_changed(original: str, variant: str, reason: str) -> None:
    assert reason in check(original, variant).reasons


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_the_same_task_as_itself(text: str) -> None:
    assert check(text, text) == (True, ())


@pytest.mark.parametrize(("stem", "keys"), [case for case in choices() if case[0] not in FROM_FILE])
def test_the_gate_tells_task_changing_families_from_the_others(stem: str, keys: dict[str, str]) -> None:
    family = perturbation(stem, **keys)
    for prompt in family.apply([Example(i, text, None) for i, text in enumerate(TEXTS)]):
        if not prompt.unchanged:
            assert prompt.same_task == (family.kind != "task_changing"), (prompt.text, prompt.gate_reasons)


@pytest.mark.slow
@pytest.mark.parametrize("stem", [stem for stem in STEMS if stem not in FROM_FILE])
def test_the_gate_passes_nearly_all_real_variants_that_keep_the_task(stem: str, alpaca_data: Path) -> None:
    family = perturbation(stem)
    prompts = family.apply([Example(i, text, None) for i, text in enumerate(real_instructions(alpaca_data))])
    changed = [prompt.same_task for prompt in prompts if not prompt.unchanged]
    if family.kind == "task_changing":
        assert sum(changed) <= 0.05 * len(changed)
    else:
        assert sum(changed) >= 0.95 * len(changed)
