"""What single families promise beyond the common properties, and how they refuse bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alpacabench.core.component import build
from alpacabench.core.errors import DataError, Problem
from alpacabench.core.records import Example
from alpacabench.perturbation.few_shot import EXEMPLARS
from tests.helpers.perturbation_options import perturbation

TASK_AND_INPUT = "Correct the spelling.\n\nThe wether is lovly."


def test_none_ignores_strength_and_seed() -> None:
    example = Example(0, "Explain tea.", None)
    assert perturbation("none", strength=0.7, seed=5).apply([example])[0].unchanged


def test_shares_of_items_grow_by_the_same_items() -> None:
    family = perturbation("answer_language")
    hit = [{i for i in range(400) if family.perturb("Hi.", s, 0, str(i)) != "Hi."} for s in (0.1, 0.5, 1.0)]
    assert hit[0] < hit[1] < hit[2]
    assert [len(items) for items in hit] == [pytest.approx(40, abs=20), pytest.approx(200, abs=40), 400]


def test_typos_hit_the_share_of_letters_and_no_names() -> None:
    text = " ".join(["something wonderful happened yesterday with Margarethe"] * 20)
    prompt = perturbation("typos", strength=0.1).apply([Example(0, text, None)])[0]
    letters = len("something wonderful happened yesterday with") * 20 - 4 * 20
    assert prompt.n_edits == pytest.approx(0.1 * letters, abs=1)
    assert prompt.text.count("Margarethe") == 20


def test_a_system_prompt_is_the_only_edit_of_a_persona() -> None:
    prompt = perturbation("persona", persona="pirate").apply([Example(0, "Explain tea.", None)])[0]
    assert (prompt.text, prompt.n_edits, prompt.unchanged) == ("Explain tea.", 1, False)
    assert prompt.system is not None and "pirate" in prompt.system


@pytest.mark.parametrize(("strength", "words"), [(0.25, "200"), (0.5, "100"), (1.0, "50"), (0.001, "999")])
def test_more_strength_is_a_shorter_limit(strength: float, words: str) -> None:
    assert f"at most {words} words" in perturbation("length_constraint").perturb("Explain tea.", strength, 0, "0")


def test_the_task_moves_behind_its_input() -> None:
    after = perturbation("instruction_position").perturb(TASK_AND_INPUT, 1.0, 0, "0")
    assert after == "The wether is lovly.\n\nCorrect the spelling."


def test_added_sentences_stand_before_the_input() -> None:
    text = perturbation("answer_language").perturb(TASK_AND_INPUT, 1.0, 0, "0")
    assert text == "Correct the spelling. Answer in German.\n\nThe wether is lovly."


def test_few_shot_shows_the_share_of_exemplars_in_one_order_for_all_items() -> None:
    family = perturbation("few_shot")
    texts = [family.perturb("Explain tea.", 0.6, 0, str(item)) for item in range(5)]
    assert len(set(texts)) == 1
    assert texts[0].count("Instruction: ") == 4
    assert len({family.perturb("Explain tea.", 1.0, seed, "0") for seed in range(6)}) > 1


def test_few_shot_refuses_an_item_that_is_one_of_its_exemplars() -> None:
    with pytest.raises(DataError, match="item 3: its instruction is one of few_shot's exemplars"):
        perturbation("few_shot").apply([Example(3, EXEMPLARS[0][0], None)])


def test_exemplars_are_in_no_data_set_of_ours() -> None:
    package = Path(__file__).resolve().parents[2] / "alpacabench" / "dataset"
    data = "\n".join(path.read_text(encoding="utf-8") for path in package.rglob("*.jsonl"))
    assert data and not [question for question, _ in EXEMPLARS if json.dumps(question)[1:-1] in data]


def test_a_format_drawn_by_the_seed_is_the_same_for_every_item() -> None:
    family = perturbation("prompt_template", template="spread")
    frames = [{family.perturb("TEXT", 1.0, seed, str(item)) for item in range(4)} for seed in range(8)]
    assert all(len(frame) == 1 for frame in frames)
    assert len(set.union(*frames)) > 4


def test_a_chain_applies_its_steps_in_order_with_its_own_seed() -> None:
    steps = [
        {"_target_": "alpacabench.perturbation.casing.Casing", "mode": "upper", "strength": 1.0},
        {"_target_": "alpacabench.perturbation.politeness.Politeness", "strength": 0.5},
    ]
    prompt = perturbation("chain", steps=steps, seed=4).apply([Example(0, "explain tea.", None)])[0]
    assert prompt.text == "Please help me with this. EXPLAIN TEA. Thank you."
    assert prompt.n_edits == 4


@pytest.mark.parametrize(
    ("families", "kind"),
    [
        (["casing.Casing"], "meaning_preserving"),
        (["casing.Casing", "typos.Typos"], "noise"),
        (["typos.Typos", "incomplete.Incomplete", "casing.Casing"], "task_changing"),
    ],
)
def test_a_chain_is_of_its_most_invasive_kind(families: list[str], kind: str) -> None:
    steps = [{"_target_": f"alpacabench.perturbation.{family}"} for family in families]
    assert perturbation("chain", steps=steps).kind == kind


def write(path: Path, *rows: Any) -> str:
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8"
    )
    return str(path)


def test_the_strength_of_a_paraphrase_is_its_rank_by_distance(tmp_path: Path) -> None:
    variants = ["Please describe what tea is to me.", "Explain tea!", "Explain what tea is."]
    path = write(tmp_path / "v.jsonl", {"instruction": "Explain tea.", "paraphrases": variants})
    family = perturbation("paraphrase", path=path)
    found = [family.perturb("Explain tea.", strength, 0, "0") for strength in (0.2, 0.5, 1.0)]
    assert found == ["Explain tea!", "Explain what tea is.", "Please describe what tea is to me."]


@pytest.mark.parametrize("stem", ["paraphrase", "translation"])
def test_a_family_without_its_file_is_refused_before_anything_runs(stem: str, tmp_path: Path) -> None:
    absent = {"path": str(tmp_path / "no.jsonl")}
    for keys, message in (({}, "null: this family reads its variants from a file"), (absent, "no such file")):
        (problem,) = perturbation(stem, **keys).problems()
        assert problem.where == "perturbation.path"
        assert message in problem.what and '"paraphrases"' in problem.remedy


def test_a_chain_names_the_step_whose_file_is_missing() -> None:
    steps = [{"_target_": "alpacabench.perturbation.paraphrase.Paraphrase"}]
    (problem,) = perturbation("chain", steps=steps).problems()
    assert problem.where == "perturbation.steps[0].path"


@pytest.mark.parametrize(
    "row",
    [
        "{broken",
        {"instruction": "x"},
        {"instruction": "x", "paraphrases": [""]},
        {"instruction": "x", "paraphrases": "y"},
        {"instruction": 5, "paraphrases": ["y"]},
        ["x", "y"],
    ],
)
def test_a_bad_row_of_a_variant_file_is_named(row: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "v.jsonl", {"instruction": "a", "paraphrases": ["b"]}, row)
    with pytest.raises(DataError, match=r"v\.jsonl, row 2: .*expected one JSON object per line"):
        perturbation("paraphrase", path=path).apply([Example(0, "a", None)])


def test_examples_without_a_variant_are_named_together(tmp_path: Path) -> None:
    path = write(tmp_path / "v.jsonl", {"instruction": "a", "paraphrases": ["b"]})
    examples = [Example(i, text, None) for i, text in enumerate(["a", "c", "d"])]
    with pytest.raises(DataError, match=r"no variants of 2 of 3 examples: 1 \('c'\), 2 \('d'\)"):
        perturbation("paraphrase", path=path).apply(examples)


@pytest.mark.parametrize(
    ("stem", "key", "value"),
    [("typos", "strength", 1.5), ("typos", "strength", -0.1), ("casing", "mode", "lowr"), ("few_shot", "shots", 99),
     ("length_constraint", "words", 0), ("chain", "steps", [])],
)  # fmt: skip
def test_a_value_out_of_range_is_refused_by_its_key(stem: str, key: str, value: Any) -> None:
    problems: list[Problem] = []
    target = type(perturbation(stem))
    values = {"_target_": f"{target.__module__}.{target.__name__}", key: value}
    assert build("perturbation", values, problems, stem) is None
    assert [problem.where for problem in problems] == [f"perturbation.{key}"]
    assert repr(value) in problems[0].what
