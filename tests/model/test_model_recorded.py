"""Recorded answers and the echo model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alpacabench.core.errors import DataError
from alpacabench.core.records import Example, Generation, Prompt
from alpacabench.decoding import Decoding
from alpacabench.model.base import Request
from alpacabench.model.echo import Echo
from alpacabench.model.recorded import Recorded
from alpacabench.sharding import Sharding

STORE: Any = None


def examples(count: int = 4) -> list[Example]:
    return [Example(i, f"prompt {i}", "reference") for i in range(count)]


def outputs(folder: Path, rows: list[dict[str, object]], name: str = "outputs.json") -> str:
    (folder / name).write_text(json.dumps(rows))
    return str(folder / name)


def generate(model: Recorded, count: int = 4) -> list[Generation]:
    return model.generate([Prompt(e, e.instruction) for e in examples(count)], Decoding(), Sharding(), STORE)


def test_answers_are_matched_by_instruction_in_any_order_and_an_empty_one_is_an_answer(tmp_path: Path) -> None:
    rows = [{"instruction": f"prompt {i}", "output": "" if i == 2 else f"answer {i}"} for i in (3, 1, 0, 2)]
    model = Recorded(path=outputs(tmp_path, rows))
    assert [g.text for g in generate(model)] == ["answer 0", "answer 1", "", "answer 3"]
    assert not list(model.problems()) and not list(model.check_examples(examples()))


def test_a_subset_of_a_full_file_needs_no_other_answers(tmp_path: Path) -> None:
    rows = [{"instruction": f"prompt {i}", "output": "x"} for i in range(4)]
    assert len(generate(Recorded(path=outputs(tmp_path, rows)), 2)) == 2


def test_foreign_instructions_are_refused_and_named(tmp_path: Path) -> None:
    rows = [{"instruction": "prompt 0", "output": "x"}, {"instruction": "something else", "output": "x"}]
    problem = next(iter(Recorded(path=outputs(tmp_path, rows)).check_examples(examples())))
    assert "row 2 'something else'" in problem.what


def test_an_instruction_that_differs_in_white_space_only_is_said_to(tmp_path: Path) -> None:
    rows = [{"instruction": "prompt  0\n", "output": "x"}, {"instruction": "something else", "output": "x"}]
    problem = next(iter(Recorded(path=outputs(tmp_path, rows)).check_examples(examples())))
    assert "1 of them differ from one of its prompts in white space only" in problem.what


def test_duplicate_instructions_are_refused_and_named(tmp_path: Path) -> None:
    rows = [{"instruction": "prompt 0", "output": "x"}, {"instruction": "prompt 0", "output": "y"}]
    problem = next(iter(Recorded(path=outputs(tmp_path, rows)).problems()))
    assert "row 2" in str(problem) and "row 1" in str(problem)


def test_missing_answers_are_refused_and_named_unless_allowed(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"instruction": "prompt 0", "output": "x"}, {"instruction": "prompt 1", "output": None},
        {"instruction": "prompt 2", "output": float("nan")},
    ]  # fmt: skip
    path = outputs(tmp_path, rows)
    with pytest.raises(DataError, match="no answer to 3 of 4 prompts: data set row 1 'prompt 1'"):
        generate(Recorded(path=path))
    got = generate(Recorded(path=path, allow_missing=True))
    assert [g.text for g in got] == ["x", None, None, None]
    assert [g.failure for g in got] == [None, "no answer", "no answer", "no answer"]


@pytest.mark.parametrize("row", [{"instruction": "p"}, {"instruction": "p", "output": 3}])
def test_a_row_without_a_text_as_output_is_named(tmp_path: Path, row: dict[str, object]) -> None:
    problem = next(iter(Recorded(path=outputs(tmp_path, [row])).problems()))
    assert "row 1" in problem.what and "output" in problem.what


def test_the_label_is_the_files_generator_where_it_has_one(tmp_path: Path) -> None:
    row = {"instruction": "prompt 0", "output": "x"}
    assert Recorded(path=outputs(tmp_path, [row])).label == "outputs"
    assert Recorded(path=outputs(tmp_path, [row | {"generator": "gpt"}], "b.json")).label == "gpt"
    assert Recorded(path=outputs(tmp_path, [row], "c.json"), name="mine").label == "mine"


def test_echo_honours_the_limit_and_samples_by_the_key() -> None:
    prompt = Prompt(examples()[0], "one two three four five six")
    requests = [Request("k" * 8, prompt, (("user", prompt.text),), 0)]
    long, short = ([*Echo().ask(requests, Decoding(max_new_tokens=n), Sharding())][0].payload for n in (512, 3))
    assert long and short
    assert long["finish_reason"] == "stop" and short["finish_reason"] == "length"
    assert short["completion_tokens"] == 3 and long["text"].startswith(short["text"])
    sampled = [*Echo().ask(requests, Decoding(temperature=1.0), Sharding())][0].payload
    assert sampled and sampled["text"] != long["text"]


def test_a_file_with_several_generators_is_refused_unless_one_is_chosen(tmp_path: Path) -> None:
    rows = [{"instruction": f"prompt {i}", "output": f"{who} {i}", "generator": who} for who in "ab" for i in range(4)]
    path = outputs(tmp_path, rows)
    (problem,) = Recorded(path=path).problems()
    assert "the answers of 2 generators: a, b" in str(problem) and "model.generator=a" in str(problem)
    (problem,) = Recorded(path=path, generator="c").problems()
    assert problem.where == "model.generator" and "given 'c'" in problem.what
    chosen = Recorded(path=path, generator="b")
    assert [g.text for g in generate(chosen)] == [f"b {i}" for i in range(4)] and chosen.label == "b"


def test_recorded_answers_keep_the_files_generator_under_a_name_for_display(tmp_path: Path) -> None:
    rows = [{"instruction": f"prompt {i}", "output": "x", "generator": "claude-2"} for i in range(4)]
    model = Recorded(path=outputs(tmp_path, rows), name="shown")
    assert model.label == "shown" and {g.generator for g in generate(model)} == {"claude-2"}
