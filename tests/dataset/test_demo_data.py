"""The embedded demo data set: well formed, varied, and as its card describes it."""

import json
import re
import statistics
from collections import Counter
from importlib import resources

import pytest

FOLDER = resources.files("alpacabench") / "dataset"
KEYS = ["id", "instruction", "output", "generator", "dataset", "category"]
Row = dict[str, str]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    lines = (FOLDER / "demo.jsonl").read_text(encoding="utf-8").removesuffix("\n").split("\n")
    return [json.loads(line) for line in lines]


def code_blocks(rows: list[Row], language: str) -> list[tuple[str, str]]:
    """Return (id, code) of every block of the language in the reference answers."""
    pattern = re.compile(rf"^```{language}\n(.*?)^```", re.DOTALL | re.MULTILINE)
    return [(row["id"], code) for row in rows for code in pattern.findall(row["output"])]


def test_every_row_has_exactly_the_documented_keys_with_non_empty_trimmed_text(rows: list[Row]) -> None:
    for row in rows:
        assert list(row) == KEYS, row.get("id")
        untidy = [key for key, value in row.items() if not value or value != value.strip()]
        assert not untidy, (row["id"], untidy)
        assert row["generator"] == "alpacabench_reference", row["id"]


def test_ids_and_instructions_are_unique_even_when_case_and_spacing_are_ignored(rows: list[Row]) -> None:
    ids = Counter(row["id"] for row in rows)
    instructions = Counter(" ".join(row["instruction"].lower().split()) for row in rows)
    assert [i for i, n in ids.items() if n > 1] == []
    assert [i for i, n in instructions.items() if n > 1] == []


def test_an_id_is_the_category_and_a_running_number(rows: list[Row]) -> None:
    seen: Counter[str] = Counter()
    for row in rows:
        seen[row["category"]] += 1
        assert row["id"] == f"{row['category'].replace('_', '-')}-{seen[row['category']]:02d}"


def test_there_are_enough_rows_categories_and_sources_to_stratify(rows: list[Row]) -> None:
    categories = Counter(row["category"] for row in rows)
    sources = Counter(row["dataset"] for row in rows)
    assert len(rows) >= 64
    assert len(categories) >= 8 and min(categories.values()) >= 6
    assert 3 <= len(sources) <= 4 and min(sources.values()) >= 8


def test_a_quarter_of_the_prompts_have_an_input_after_a_blank_line(rows: list[Row]) -> None:
    with_input = [row for row in rows if "\n\n" in row["instruction"]]
    assert len(with_input) >= len(rows) / 4
    assert {row["dataset"] for row in with_input} == {"task_with_input"}
    assert all("\n\n" in row["instruction"] for row in rows if row["dataset"] == "task_with_input")


def test_prompts_and_references_differ_widely_in_length_and_style(rows: list[Row]) -> None:
    prompts = [len(row["instruction"]) for row in rows]
    answers = [len(row["output"]) for row in rows]
    lower_case = sum(row["instruction"][0].islower() for row in rows)
    assert min(prompts) < 40 and max(prompts) > 800
    assert min(answers) < 150 and max(answers) > 1200
    assert 500 < statistics.mean(answers) < 1200
    assert statistics.stdev(answers) > 250
    assert len(rows) / 5 < lower_case < len(rows) * 4 / 5


def test_the_python_blocks_of_the_references_compile(rows: list[Row]) -> None:
    blocks = code_blocks(rows, "python")
    assert len(blocks) >= 5
    for name, code in blocks:
        compile(code, name, "exec")


def test_the_json_blocks_of_the_references_parse(rows: list[Row]) -> None:
    blocks = code_blocks(rows, "json")
    assert blocks
    for _, code in blocks:
        json.loads(code)


def test_every_code_fence_is_closed(rows: list[Row]) -> None:
    assert [row["id"] for row in rows if row["output"].count("```") % 2] == []


def test_links_and_addresses_lead_to_example_domains_or_a_named_helpline(rows: list[Row]) -> None:
    for row in rows:
        hosts = re.findall(r"(?:https?://|\w@)([\w.-]+\w)", row["instruction"] + "\n" + row["output"])
        foreign = [h for h in hosts if not re.search(r"(^|\.)example\.(com|net|org)$|^findahelpline\.com$", h)]
        assert not foreign, row["id"]


@pytest.mark.parametrize("key", ["category", "dataset"])
def test_the_card_states_the_true_counts(rows: list[Row], key: str) -> None:
    card = (FOLDER / "DEMO_CARD.md").read_text(encoding="utf-8")
    stated = {name: int(count) for name, count in re.findall(r"^\| (\w+) \| (\d+) \|", card, re.MULTILINE)}
    counted = Counter(row[key] for row in rows)
    assert {name: stated.get(name) for name in counted} == dict(counted)
    assert f"{len(rows)} prompts" in card
