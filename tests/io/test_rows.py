"""Reading rows: every format, and messages that name the file and the row."""

import gzip
import json
from pathlib import Path

import pytest

from alpacabench.core.errors import DataError
from alpacabench.io.rows import read_rows, unique_instructions

ROWS = [{"instruction": "Say hi", "output": "hi"}, {"instruction": "Zwei\nZeilen ü", "output": ""}]


def _write(path: Path, text: str) -> Path:
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("gz", ["", ".gz"])
@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".json", json.dumps(ROWS)),
        (".jsonl", "\n".join(json.dumps(row) for row in ROWS) + "\n\n"),
        (".csv", 'instruction,output\nSay hi,hi\n"Zwei\nZeilen ü",\n'),
    ],
)
def test_every_format_gives_the_same_rows(tmp_path: Path, suffix: str, text: str, gz: str) -> None:
    assert read_rows(_write(tmp_path / f"rows{suffix}{gz}", text), "dataset.path") == ROWS


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("instruction,output\na,b\n", encoding="utf-8-sig")
    assert read_rows(path, "dataset.path")[0]["instruction"] == "a"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", '[{"instruction": "x"}, {"instr', ["dataset.path", "a.json", "line 1", "broken JSON"]),
        ("a.jsonl", '{"instruction": "x"}\n{"instruction": \n', ["a.jsonl", "row 2", "broken JSON"]),
        ("a.json", '{"instruction": "x"}', ["holds a dict", "list of objects"]),
        ("a.json", '["x"]', ["row 1", "must be an object"]),
        ("a.txt", "x", ["'.txt'", ".jsonl", ".csv"]),
        ("a.csv", "instruction,output\nColours?,red, green, and blue\n", ["row 1", "2 more fields", "double quotes"]),
        ("a.json", '[{"instruction": "a \\ud800 b"}]', ["row 1", "'instruction'", "surrogate"]),
    ],
)
def test_a_broken_file_is_named_with_the_row(tmp_path: Path, name: str, text: str, words: list[str]) -> None:
    with pytest.raises(DataError) as error:
        read_rows(_write(tmp_path / name, text), "dataset.path")
    assert all(word in str(error.value) for word in words), str(error.value)


def test_a_missing_file_a_directory_and_a_false_gzip_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_rows(tmp_path / "none.json", "dataset.path")
    with pytest.raises(DataError, match="a directory"):
        read_rows(tmp_path, "dataset.path")
    (tmp_path / "x.json.gz").write_bytes(b"not gzip")
    with pytest.raises(DataError, match="cannot read"):
        read_rows(tmp_path / "x.json.gz", "dataset.path")


@pytest.mark.parametrize("instruction", [None, "", "  \n", 3])
def test_a_row_without_instruction_is_named(instruction: object) -> None:
    with pytest.raises(DataError, match=r"f\.json, row 2: no 'instruction'"):
        unique_instructions([{"instruction": "a"}, {"instruction": instruction, "output": "b"}], "f.json", "k")


def test_a_duplicate_instruction_names_both_rows() -> None:
    rows = [{"instruction": "a"}, {"instruction": "b"}, {"instruction": "a"}]
    with pytest.raises(DataError, match=r"row 3: the same instruction as row 1"):
        unique_instructions(rows, "f.json", "k")


def test_a_long_answer_in_a_csv_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "long.csv"
    file.write_text(f"instruction,output\nWhy?,{'x' * 200_000}\n", encoding="utf-8")
    assert len(read_rows(file, "model.path")[0]["output"]) == 200_000
