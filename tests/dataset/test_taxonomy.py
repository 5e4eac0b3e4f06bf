"""Categories by rule and structural tags."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from alpacabench.core.errors import DataError
from alpacabench.dataset import RowFile
from alpacabench.dataset.taxonomy import SHIPPED, TAGS, label, read_taxonomy, tags

DEMO = SHIPPED.parent / "demo.jsonl"
SHARES = {
    "multi_line_input": (29.4, 0.1), "over_500_characters": (5.3, 0.1), "length_ask": (4.2, 1.2),
    "list_table_steps_ask": (9.9, 0.5), "digits": (18.3, 0.1), "no_final_punctuation": (27.3, 0.1),
    "lower_case_start": (9.4, 0.1), "please": (4.3, 0.1), "quoted_or_code_literal": (3.9, 1.2), "non_latin": (0.5, 0.2),
}  # fmt: skip
"""MEASUREMENT 5, percent of the 805, and how close we come: three tags are words, not characters."""


@pytest.fixture(scope="module")
def demo() -> list[dict[str, str]]:
    return [json.loads(line) for line in DEMO.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def real_instructions(alpaca_data: Path) -> list[str]:
    with gzip.open(alpaca_data / "gpt4_1106_preview.outputs.json.gz", "rt", encoding="utf-8") as file:
        return [row["instruction"] for row in json.load(file)]


def write_rules(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("instruction", "category"),
    [
        ("Write a Python function that reverses a list.", "coding"),
        ("What is 17 * 23?", "math"),
        ("Summarize the text below in two sentences.\n\nWrite a poem about Python.", "summarisation"),
        ("Extract the dates from the text.\n\nOn 3 May we met.", "extraction"),
        ("Rewrite this sentence more politely: give me that.", "rewriting"),
        ("Write a haiku about rain", "creative_writing"),
        ("Draft a cover letter for a nurse.", "professional_writing"),
        ("How do I unclog a drain?", "how_to"),
        ("Should I buy or rent?", "advice"),
        ("Give me some ideas for a birthday party", "ideas"),
        ("Who painted the Night Watch?", "knowledge"),
        ("asdf", "other"),
    ],
)
def test_a_plain_instruction_gets_the_category_that_a_reader_would_give(instruction: str, category: str) -> None:
    assert label(instruction) == category


def test_the_rules_agree_with_85_percent_of_the_demo_categories(demo: list[dict[str, str]]) -> None:
    agreed = sum(label(row["instruction"]) == row["category"] for row in demo)
    assert agreed / len(demo) > 0.85


def test_every_category_of_the_demo_data_is_one_of_the_taxonomy(demo: list[dict[str, str]]) -> None:
    assert {row["category"] for row in demo} <= set(read_taxonomy().categories)


def test_the_real_prompts_get_thirteen_categories_and_few_get_none(real_instructions: list[str]) -> None:
    counts = Counter(map(label, real_instructions))
    assert sum(counts.values()) == 805
    assert set(counts) == set(read_taxonomy().categories)
    assert counts["other"] <= 57


def test_the_tags_occur_as_often_in_the_real_prompts_as_measured(real_instructions: list[str]) -> None:
    counts = Counter(tag for text in real_instructions for tag in tags(text))
    shares = {tag: counts[tag] / 805 * 100 for tag in TAGS}
    assert {t: s for t, s in shares.items() if abs(s - SHARES[t][0]) > SHARES[t][1]} == {}


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("Hello there.", ()),
        ("please sort this\nb\na", ("multi_line_input", "no_final_punctuation", "lower_case_start", "please")),
        ("Use at most 20 words.", ("length_ask", "digits")),
        ("Make a table of it.", ("list_table_steps_ask",)),
        ('Who said "to be or not to be"?', ("quoted_or_code_literal",)),
        ("Run `make test`.", ("quoted_or_code_literal",)),
        ("Что это?", ("non_latin",)),
        ("Où est le café ?", ()),
        ("A" + "b" * 500 + ".", ("over_500_characters",)),
    ],
)
def test_tags_are_exact_on_small_examples(instruction: str, expected: tuple[str, ...]) -> None:
    assert tags(instruction) == expected


def test_the_first_rule_that_matches_wins_and_the_input_is_searched_only_where_asked(tmp_path: Path) -> None:
    rules = "version: 7\ndefault: rest\nrules:\n"
    rules += "- {category: a, any: [cat]}\n- {category: b, in: text, any: [cat, dog]}\n"
    taxonomy = read_taxonomy(write_rules(tmp_path / "t.yaml", rules))
    found = [taxonomy.label(text) for text in ("dog and CAT", "pet\n\ncat", "fish")]
    assert (found, taxonomy.version, taxonomy.categories) == (["a", "b", "rest"], "7", ("a", "b", "rest"))


def test_rows_without_a_category_get_the_rules_label_and_others_keep_their_own(tmp_path: Path) -> None:
    rows = [
        {"instruction": "Write a haiku", "output": "x"},
        {"instruction": "Write a sonnet", "output": "x", "category": "homework"},
    ]
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    assert [example.category for example in RowFile(path=str(path)).load()] == ["creative_writing", "homework"]
    own = write_rules(tmp_path / "own.yaml", "version: 1\nrules:\n- {category: verse, any: [haiku]}\n")
    assert [e.category for e in RowFile(path=str(path), taxonomy=own).load()] == ["verse", "homework"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("version: 1\nrules: [{category: a, any: ['(']}]", "rule 1: '(' is no regular expression"),
        ("version: 1\nrules: [{category: a}]", "rule 1: given {'category': 'a'}; a rule needs"),
        ("version: 1\nrules: [{category: a, any: [x], where: task}]", "rule 1: unknown key 'where'"),
        ("version: 1\nrules: [{category: a, any: [x], in: tesk}]", "did you mean 'task'"),
        ("rules: []", "needs the keys 'version' and 'rules'"),
        ("version: [", "cannot read"),
    ],
)
def test_a_broken_taxonomy_is_refused_by_key_file_and_rule(tmp_path: Path, content: str, message: str) -> None:
    path = write_rules(tmp_path / "broken.yaml", content)
    with pytest.raises(DataError, match="dataset.taxonomy") as caught:
        read_taxonomy(path)
    assert message in str(caught.value)
    problems = list(RowFile(path=str(DEMO), taxonomy=path).problems())
    assert [problem.where for problem in problems] == ["dataset.taxonomy"]


def test_labelling_needs_nothing_heavy() -> None:
    code = (
        "import sys; from alpacabench.dataset.taxonomy import label; label('x');"
        "print([m for m in ('numpy', 'torch', 'pandas', 'scipy') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
