"""Reading rows: every format, and messages that name the file and the row."""

import bz2
import csv
import gzip
import io
import json
import lzma
import math
import unicodedata
from pathlib import Path

import pytest

from alpacabench.core.errors import DataError
from alpacabench.io.alike import Alike
from alpacabench.io.rows import check_scale, read_preference, read_rows, unique_instructions

ROWS = [{"instruction": "Say hi", "output": "hi"}, {"instruction": "Zwei\nZeilen ü", "output": None}]


def _write(path: Path, text: str) -> Path:
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode(), mtime=0))
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


TEXT = json.dumps(ROWS)
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)


def separated(separator: str) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, ["instruction", "output"], delimiter=separator, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(ROWS)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("lines.json", LINES.encode()), ("list.jsonl", json.dumps(ROWS, indent=1).encode()),
        ("UPPER.JSON", TEXT.encode()),
        ("plain.json", gzip.compress(TEXT.encode(), mtime=0)), ("a.json.bz2", bz2.compress(TEXT.encode())),
        ("a.jsonl.xz", lzma.compress(LINES.encode())), ("utf16.json", TEXT.encode("utf-16")),
        ("bom.jsonl", LINES.replace("\n", "\r\n").encode("utf-8-sig")), ("a.ndjson", LINES.encode()),
        ("tabs.tsv", separated("\t").encode()), ("tabs.csv", separated("\t").encode()),
        ("semicolon.csv", separated(";").encode()), ("bar.csv", separated("|").encode("utf-16")),
        ("excel.csv", ("sep=;\r\n" + separated(";")).encode("utf-8-sig")),
        ("spaced.csv", separated(",").replace("instruction,output", "instruction , output").encode()),
        ("nan.json", TEXT.replace("null", "NaN").encode()),
    ],
)  # fmt: skip
def test_a_file_is_read_by_what_it_holds(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    assert read_rows(tmp_path / name, "dataset.path") == ROWS


def test_parquet_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    pandas, _ = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    for name in ("a.parquet", "a.json"):
        pandas.DataFrame([row | {"score": math.nan, "tags": ["x"]} for row in ROWS]).to_parquet(tmp_path / name)
        assert read_rows(tmp_path / name, "k") == [row | {"score": None, "tags": ["x"]} for row in ROWS]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("not.json.gz", TEXT.encode(), ["not packed", "call it not.json"]),
        ("cut.json", gzip.compress(TEXT.encode(), mtime=0)[:-9], ["cannot read"]),
        ("columns.json", b'{"instruction": {"0": "a"}, "output": {"0": "b"}}', ["orient='records'"]),
        ("data.json", b'{"data": [{"instruction": "a"}]}', ["under 'data'"]),
        ("cp1252.json", '[{"instruction": "caf\xe9"}]'.encode("cp1252"), ["line 1", "0xe9", "UTF-8"]),
        ("blind.json", TEXT.encode("utf-16-le"), ["zero bytes"]), ("book.csv", b"PK\x03\x04rest", ["Excel"]),
        ("pointer.parquet", b"version https://git-lfs.github.com/spec/v1\noid", ["Git LFS"]),
        ("broken.parquet", b"PAR1\x15\x04PAR1", ["broken Parquet"]),
        ("deep.json", b"[" * 100_000, ["nested too deeply"]),
        ("huge.json", b'[{"instruction": "a", "n": ' + b"9" * 5000 + b"}]", ["broken JSON"]),
        ("twice.json", b'[{"instruction": "a", "output": "x", "output": "y"}]', ["'output' stands twice"]),
        ("comment.json", b'[{"instruction": "a"}, // no\n]', ["broken JSON"]),
        ("twice.csv", b"instruction,output,output\na,b,c\n", ["names 'output' twice"]),
        ("short.csv", b"instruction,output\na\n", ["row 1", "1 fields", "names 2"]),
        ("open.csv", b'instruction,output\na,"b\nc,d\n', ["broken CSV"]),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_in_words(tmp_path: Path, name: str, data: bytes, words: list[str]) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError) as error:
        read_rows(tmp_path / name, "dataset.path")
    assert all(word in str(error.value) for word in [name, *words]), str(error.value)


@pytest.mark.parametrize("values", [[0, 1], ["0", "1", None], [0.0, 1.0, math.nan], [-1, 0, 1], [0, 0]])
def test_preferences_on_a_scale_from_0_to_1_are_refused(values: list[object]) -> None:
    with pytest.raises(DataError, match="most likely on a scale from 0 to 1"):
        check_scale(values, "here")


@pytest.mark.parametrize("values", [[-1, 1], ["1", "-1", None], [1.0, -1.0]])
def test_preferences_of_minus_1_and_1_alone_are_refused(values: list[object]) -> None:
    with pytest.raises(DataError, match="scale from -1 to 1"):
        check_scale(values, "here")


def test_nan_in_a_table_is_a_gap(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("instruction,output\na,nan\nb,NaN\nc,None\n", encoding="utf-8")
    assert [row["output"] for row in read_rows(tmp_path / "a.csv", "k")] == [None, None, "None"]


@pytest.mark.parametrize("values", [[-1, 1, 2], [0, 1, 2], [1, 1], [0], [1.5, 0], [], [None, math.nan], ["1", "2"]])
def test_preferences_that_may_be_right_are_not(values: list[object]) -> None:
    check_scale(values, "here")


@pytest.mark.parametrize("value", [True, False, "true", 0.5, 3, [1], {}, "inf", 10**400])
def test_what_is_no_preference_is_refused(value: object) -> None:
    with pytest.raises(DataError, match="'preference' is"):
        read_preference(value, "here")


def test_texts_that_look_the_same_are_told_apart() -> None:
    alike = Alike(["Describe a café."])
    composed = unicodedata.normalize("NFD", "Describe a café.")
    assert "composed" in str(alike.way(composed))
    assert "white space" in str(alike.way("Describe  a café.\n"))
    assert "cannot be seen" in str(alike.way("Describe a\u200b café."))
    assert "case" in str(alike.way("describe a café."))
    assert "encoded" in str(alike.way(composed.upper() + " "))
    assert alike.way("Describe a cafe.") is None
