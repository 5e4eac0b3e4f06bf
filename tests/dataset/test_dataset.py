"""Data sets: the pinned rows, the Hub's cache, references from another file, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from alpacabench.core.errors import DataError
from alpacabench.core.records import digest
from alpacabench.dataset import HubFile, RowFile
from alpacabench.dataset.base import card, rows_digest
from tests.helpers.command import run, succeed

ROWS = [
    {"instruction": f"Question {i}?", "output": f"Answer {i}.", "generator": "ours", "dataset": "koala"}
    for i in range(5)
]


def _file(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text(json.dumps(rows))
    return str(path)


def _pinned(**values: Any) -> HubFile:
    content = digest([[row["instruction"], row["output"]] for row in ROWS])
    defaults = {
        "repo": "o/r",
        "filename": "rows.json",
        "revision": "a" * 40,
        "content_digest": content,
        "name": "pinned",
    }
    return HubFile(**defaults | values)


def test_rows_keep_their_order_their_source_and_who_wrote_the_reference(tmp_path: Path) -> None:
    examples = RowFile(path=_file(tmp_path / "rows.json", ROWS)).load()
    assert [example.index for example in examples] == [0, 1, 2, 3, 4]
    assert {(e.source, e.reference_generator) for e in examples} == {("koala", "ours")}
    assert examples[3].reference == "Answer 3."


def test_the_embedded_data_needs_no_file_and_has_a_card() -> None:
    dataset = RowFile(packaged="demo.jsonl", name="alpacabench_demo", licence="Apache-2.0")
    examples = dataset.load()
    found = card(dataset, examples)
    assert found["rows"] == len(examples) >= 64
    assert found["licence"] == "Apache-2.0"
    assert len({example.category for example in examples}) >= 8


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows[:-1],
        lambda rows: [*rows[1:], rows[0]],
        lambda rows: [rows[0] | {"output": "Answer 0!"}, *rows[1:]],
        lambda rows: [rows[0] | {"instruction": "Question 0 ?"}, *rows[1:]],
    ],
    ids=["dropped", "reordered", "answer changed", "instruction changed"],
)
def test_other_rows_than_the_pinned_ones_fail(tmp_path: Path, change: Any) -> None:
    assert len(_pinned(path=_file(tmp_path / "good.json", ROWS)).load()) == 5
    with pytest.raises(DataError, match="does not hold the pinned rows of pinned"):
        _pinned(path=_file(tmp_path / "bad.json", change(ROWS))).load()


def test_a_file_in_the_hubs_cache_is_read_without_the_network(tmp_path: Path) -> None:
    revision, content = "2edc6fad8be6b14ea7230aabfd08188da6b8b814", _pinned().content_digest
    snapshot = tmp_path / "hub" / "datasets--tatsu-lab--alpaca_eval" / "snapshots" / revision
    snapshot.mkdir(parents=True)
    command = [
        "dataset=alpaca_eval",
        f"dataset.content_digest={content}",
        "model=echo",
        "judge=longest",
        "tracking=none",
    ]
    env = {"HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"}
    command.append("tracking=none")
    absent = run(tmp_path, *command, env=env)
    assert absent.code == 2
    assert "dataset.path: cannot fetch alpaca_eval_gpt4_baseline.json" in absent.text
    assert "local copy" in absent.text
    _file(snapshot / "alpaca_eval_gpt4_baseline.json", ROWS)
    assert succeed(tmp_path, *command, env=env)["n_total"] == 5


def test_a_revision_that_is_no_commit_is_refused() -> None:
    assert [problem.where for problem in _pinned(revision="main").problems()] == ["dataset.revision"]


def test_references_of_another_file_are_joined_by_instruction(tmp_path: Path) -> None:
    other = [{"instruction": row["instruction"], "output": "other", "generator": "g2"} for row in reversed(ROWS)]
    foreign = {"instruction": "x", "output": "y"}
    reference = _file(tmp_path / "other.json", [*other[:4], foreign])
    dataset = RowFile(path=_file(tmp_path / "rows.json", ROWS), reference=reference)
    examples = dataset.load()
    assert [example.reference for example in examples] == [None, "other", "other", "other", "other"]
    assert examples[1].reference_generator == "g2"


def test_a_reference_file_of_other_prompts_is_refused(tmp_path: Path) -> None:
    reference = _file(tmp_path / "other.json", [{"instruction": "x", "output": "y"}])
    dataset = RowFile(path=_file(tmp_path / "rows.json", ROWS), reference=reference)
    with pytest.raises(DataError, match="answers none of the 5 prompts"):
        dataset.load()


def test_a_reference_answer_that_is_no_text_is_named_with_its_own_key_file_and_row(tmp_path: Path) -> None:
    rows = _file(tmp_path / "rows.json", ROWS)
    other = _file(tmp_path / "other.json", [*ROWS[:2], ROWS[2] | {"output": ["Answer 2."]}])
    with pytest.raises(DataError) as caught:
        RowFile(path=rows, reference=other).load()
    assert str(caught.value).startswith(f"dataset.reference: {other}, row 3: 'output' is a list")


def test_the_real_rows_have_the_pinned_digest_and_shuffled_ones_do_not(alpaca_data: Path, tmp_path: Path) -> None:
    import yaml

    conf = Path(__file__).resolve().parents[2] / "conf" / "dataset"
    for option, file in (("alpaca_eval", "gpt4_1106_preview"), ("alpaca_eval_1", "text_davinci_003")):
        # The second one inherits the first.
        values = yaml.safe_load((conf / "alpaca_eval.yaml").read_text())
        values |= yaml.safe_load((conf / f"{option}.yaml").read_text())
        keys = {key: value for key, value in values.items() if key not in ("defaults", "_target_")}
        local = tmp_path / "copy.json.gz"
        shutil.copy(alpaca_data / f"{file}.outputs.json.gz", local)
        examples = HubFile(**keys, path=str(local)).load()
        assert len(examples) == 805
        assert rows_digest(examples) == keys["content_digest"]


@pytest.mark.parametrize("empty", ["", "  \n", None, float("nan")])
def test_an_empty_reference_in_a_file_of_ones_own_is_a_missing_one(tmp_path: Path, empty: Any) -> None:
    rows = [ROWS[0], ROWS[1] | {"output": empty}]
    for some, told in ((rows, "1 of 2 prompts have no reference"), (rows[1:], "1 of 1 prompts have no reference")):
        path = _file(tmp_path / "a.json", some)
        done = run(tmp_path, "model=echo", "judge=longest", "tracking=none", "dataset=jsonl", f"dataset.path={path}")
        assert done.code == 2 and told in done.stderr


def test_a_few_empty_references_are_left_out_of_the_score_and_named(tmp_path: Path) -> None:
    path = _file(tmp_path / "a.json", [ROWS[0], ROWS[1] | {"output": " \n"}, ROWS[2]])
    done = run(tmp_path, "model=echo", "judge=longest", "tracking=none", "dataset=jsonl", f"dataset.path={path}",
               "hydra.run.dir=run")  # fmt: skip
    assert done.code == 0 and "1 of 3 reference answers are empty" in done.stderr and "row 2" in done.stderr
    found = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert (found["n_total"], found["n_failed"]) == (2, 1)
    assert "no reference answer" in (tmp_path / "run" / "report.html").read_text()


def test_an_empty_answer_of_a_reference_generator_is_an_answer(tmp_path: Path) -> None:
    rows = [ROWS[0], ROWS[1] | {"output": ""}]
    path, content = _file(tmp_path / "a.json", rows), digest([[row["instruction"], row["output"]] for row in rows])
    assert [e.reference for e in _pinned(path=path, content_digest=content).load()] == ["Answer 0.", ""]
    given = RowFile(path=_file(tmp_path / "b.json", ROWS[:2]), reference=path).load()
    assert [e.reference for e in given] == ["Answer 0.", ""]


def test_a_gap_written_as_nan_is_no_label(tmp_path: Path) -> None:
    gaps = dict.fromkeys(("generator", "dataset", "category"), float("nan"))
    (example,) = RowFile(path=_file(tmp_path / "a.json", [ROWS[0] | gaps])).load()
    assert (example.source, example.reference_generator) == ("", "reference")
    assert example.category not in ("nan", "")


@pytest.mark.parametrize(
    "column", ["input", "Context", "system", "conversation", "choices", "knowledge", "prompt", "shots"]
)
def test_a_part_of_the_prompt_in_another_column_is_refused_by_name(tmp_path: Path, column: str) -> None:
    rows = [ROWS[0] | {column: ""}, ROWS[1] | {column: ["a part"]}]
    with pytest.raises(DataError, match=f"row 2: the column '{column}' holds a part of the prompt.*a part"):
        RowFile(path=_file(tmp_path / "a.json", rows)).load()
    assert len(RowFile(path=_file(tmp_path / "b.json", [ROWS[0] | {column: None, "id": 7}])).load()) == 1


def test_columns_that_no_model_is_shown_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [row | {"hint": "Think of rivers.", "steps": ["one"], "id": "7", "generator": "x"} for row in ROWS]
    RowFile(path=_file(tmp_path / "a.json", rows)).load()
    assert "only 'instruction' is sent to the model, not the columns: hint, steps" in caplog.text


def test_references_that_only_look_like_the_prompts_are_said_to(tmp_path: Path) -> None:
    spaced = [row | {"instruction": row["instruction"] + " "} for row in ROWS]
    with pytest.raises(DataError, match="5 of them differ from one of the prompts in white space only"):
        RowFile(path=_file(tmp_path / "a.json", ROWS), reference=_file(tmp_path / "b.json", spaced)).load()
