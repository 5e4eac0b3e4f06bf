"""Words that a pattern's matches hold: looking for them first never changes a category."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from alpacabench.dataset import taxonomy
from alpacabench.dataset.needed_words import in_lower_case, needed_words

DEMO = Path(taxonomy.__file__).with_name("demo.jsonl")


def _searched(instruction: str) -> str:
    """Return the category by searching for every pattern."""
    rules = taxonomy.read_taxonomy()
    for rule in rules.rules:
        text = instruction if rule.whole_text else taxonomy.task_of(instruction)
        if any(pattern.search(text) for pattern in rule.patterns):
            return rule.category
    return rules.default


def test_categories_are_those_of_all_searches() -> None:
    prompts = [json.loads(line)["instruction"] for line in DEMO.read_text(encoding="utf-8").splitlines()]
    odd = [text.replace("s", "ſ").replace("k", "\u212a").replace("i", "ı") for text in prompts]
    every = [
        *prompts,
        *(text.upper() for text in prompts),
        *odd,
        *(f"{a}\n\n{b}" for a, b in zip(prompts, odd, strict=True)),
    ]
    assert [taxonomy.label(text) for text in every] == [_searched(text) for text in every]
    assert len({taxonomy.label(text) for text in every}) > 5


def test_real_prompts_have_the_same_categories(alpaca_data: Path) -> None:
    import gzip

    rows = json.loads(gzip.decompress((alpaca_data / "gpt4_1106_preview.outputs.json.gz").read_bytes()))
    assert [taxonomy.label(row["instruction"]) for row in rows] == [_searched(row["instruction"]) for row in rows]


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"\b(write|Draft) .{0,9}\bpoem", {"write", "draft"}),
        (r"\b(ab|cde)\b", {"ab", "cde"}),
        (r"(abc)?\d+", None),
        (r"(abc|\d)", None),
        (r"(?:abc)+", {"abc"}),
        (r"colou?r", {"colo"}),
        (r"x\d", None),
        (r"(?!abc)\d", None),
    ],
)
def test_words_are_in_every_match(pattern: str, words: set[str] | None) -> None:
    assert needed_words(re.compile(pattern, re.IGNORECASE)) == words


def test_letters_that_only_look_like_others_make_the_search_go_on() -> None:
    assert in_lower_case("ABC Ü") == "abc ü"
    assert in_lower_case("liſt") is None
