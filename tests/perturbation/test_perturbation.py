"""Properties that hold for every family, on synthetic instructions and on the 805 real ones."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpacabench.core.records import Example
from alpacabench.perturbation.validity.distance import levenshtein
from tests.helpers.perturbation_options import FROM_FILE, STEMS, choices, perturbation, real_instructions

STRENGTHS = (0.05, 0.1, 0.3, 0.6, 1.0)
CASES = [pytest.param(stem, keys, id="-".join([stem, *keys.values()])) for stem, keys in choices()]
# Written here on their own, so that a mistake in the package's spans cannot hide itself.
KEPT = [r"```.*?```", r"`[^`\n]+`", r"https?://\S+[\w/]", r'"[^"\n]+"', r"(?<![\w.,])\d+(?:[.,]\d+)*(?!\w)"]
SYNTHETIC = [
    "Explain why the sky is blue.",
    "Write a letter to Maria in Lisbon about the 3 broken chairs, and don't mention the price of 49.95 euros!",
    'Translate "the early bird" into Dutch, then use it in a sentence.',
    "What does `sum(x ** 2 for x in xs)` return? See https://example.org/docs/sum?a=1 for help.",
    'Correct the spelling of the text below.\n\nThe wether was lovly.\n\nWe stayed 2 days at "The Anchor".',
    "Why does this print nothing:\n```python\nfor i in range(0):\n    print(i)\n```\nI'm puzzled.",
    "list ten colours, favourites first; cannot be grey",
    "HOW DO I COOK RICE?",
    "?",
    "\n\nWho wrote Emma?",
    "好的，请解释 what this means",
]
VOCABULARY = """
explain the colour of seven apples don't Maria 42 why `code` "a quote" is not are you favourite letter, and.
https://example.org/x do not I am sentence! what is UPPER ten? (brackets) übermut
"""
WORDS = st.sampled_from(VOCABULARY.split())
TEXTS = st.lists(WORDS, min_size=1, max_size=30).map(" ".join)


@pytest.fixture(scope="session")
def real(alpaca_data: Path) -> list[str]:
    return real_instructions(alpaca_data)


@pytest.fixture
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Return the case's overrides; families that read a file get one that covers the synthetic texts."""
    stem, overrides = request.getfixturevalue("stem"), request.getfixturevalue("overrides")
    return overrides | (variants(tmp_path / "variants.jsonl", SYNTHETIC) if stem in FROM_FILE else {})


def variants(path: Path, texts: Sequence[str]) -> dict[str, str]:
    rows = [{"instruction": text, "paraphrases": [f"{text} Thanks.", f"Hello. {text} Thank you."]} for text in texts]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return {"path": str(path)}


def kept(text: str) -> Counter[str]:
    """Return the spans that no edit may touch."""
    blank = re.search(r"\n[^\S\n]*\n", text)
    head = text[: blank.start()] if blank else text
    spans: list[str] = []
    for pattern in KEPT:
        # A quote around code is kept as the code is; its marks pair with no others.
        spans += [span for span in re.findall(pattern, head, re.DOTALL) if "\0" not in span]
        head = re.sub(pattern, "\0", head, flags=re.DOTALL)
    return Counter(spans + ([text[blank.end() :].strip("\n")] if blank else []))


def assert_sound(stem: str, keys: dict[str, Any], texts: Sequence[str], strengths: Sequence[float]) -> None:
    family = perturbation(stem, **keys)
    twin = perturbation(stem, **keys)
    for i, text in enumerate(texts):
        assert family.perturb(text, 0.0, 3, str(i)) == text
        last = 0
        for strength in strengths:
            new = family.perturb(text, strength, 3, str(i))
            assert new == twin.perturb(text, strength, 3, str(i)), "not deterministic"
            assert new.strip(), "empty"
            distance = levenshtein(text, new)
            assert distance >= last, f"the edit ratio falls at {strength}: {text!r} -> {new!r}"
            last = distance
            if keys.get("mode") != "input":
                for span, count in kept(text).items():
                    assert new.count(span) >= count, f"{span!r} was touched: {new!r}"


@pytest.mark.parametrize(("stem", "overrides"), CASES)
def test_every_family_is_sound_on_synthetic_instructions(
    stem: str, overrides: dict[str, str], keys: dict[str, Any]
) -> None:
    assert_sound(stem, keys, SYNTHETIC, STRENGTHS)


@pytest.mark.parametrize("stem", [stem for stem in STEMS if stem not in FROM_FILE])
@settings(max_examples=20, deadline=None)
@given(text=TEXTS, strength=st.floats(0.01, 1.0))
def test_every_family_is_sound_on_generated_instructions(stem: str, text: str, strength: float) -> None:
    assert_sound(stem, {}, [text], sorted([strength, strength / 2, 1.0]))


@pytest.mark.parametrize("stem", STEMS)
def test_every_option_is_sound_on_the_805_real_instructions(stem: str, real: list[str], tmp_path: Path) -> None:
    keys = variants(tmp_path / "variants.jsonl", real) if stem in FROM_FILE else {}
    assert_sound(stem, keys, real, (0.1, 1.0))


@pytest.mark.slow
@pytest.mark.parametrize(("stem", "overrides"), [case for case in CASES if case.values[0] not in FROM_FILE])
def test_every_choice_is_sound_on_the_805_real_instructions(
    stem: str, overrides: dict[str, str], real: list[str]
) -> None:
    assert_sound(stem, overrides, real, STRENGTHS)


@pytest.mark.parametrize(("stem", "overrides"), CASES)
def test_the_order_and_company_of_items_change_nothing(
    stem: str, overrides: dict[str, str], keys: dict[str, Any]
) -> None:
    family = perturbation(stem, **keys)
    examples = [Example(7 * i, text, None) for i, text in enumerate(SYNTHETIC)]
    prompts = {prompt.example.index: prompt for prompt in family.apply(examples)}
    shuffled = random.Random(1).sample(examples, 6)
    assert family.apply(shuffled) == [prompts[example.index] for example in shuffled]


@pytest.mark.slow
@pytest.mark.parametrize("stem", [stem for stem in STEMS if stem not in FROM_FILE])
def test_the_order_of_the_805_real_instructions_changes_nothing(stem: str, real: list[str]) -> None:
    family = perturbation(stem)
    examples = [Example(i, text, None) for i, text in enumerate(real)]
    assert len(examples) == 805
    shuffled = random.Random(1).sample(examples, len(examples))
    assert sorted(family.apply(shuffled), key=lambda prompt: prompt.example.index) == family.apply(examples)


@pytest.mark.parametrize(("stem", "overrides"), CASES)
def test_a_prompt_records_its_edits(stem: str, overrides: Any, keys: dict[str, Any]) -> None:
    for prompt in perturbation(stem, **keys).apply([Example(i, text, None) for i, text in enumerate(SYNTHETIC)]):
        original = prompt.example.instruction
        assert prompt.edit_ratio == levenshtein(original, prompt.text) / len(original)
        assert (prompt.n_edits == 0) == prompt.unchanged
        assert prompt.same_task == (not prompt.gate_reasons)


@pytest.mark.parametrize("stem", ["typos", "casing", "whitespace", "unicode", "punctuation"])
def test_another_seed_or_item_draws_other_edits(stem: str) -> None:
    family = perturbation(stem)
    text = "Explain in your own words why leaves fall. What happens to the tree? Where does the water go? Tell me all."
    assert len({family.perturb(text, 0.3, seed, "5") for seed in range(8)}) > 2
    assert len({family.perturb(text, 0.3, 0, str(item)) for item in range(8)}) > 2
