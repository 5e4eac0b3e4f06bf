"""Whatever bytes a file holds, and whatever it is called, it is rows or a message that names it."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import math
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alpacabench.core.errors import DataError
from alpacabench.dataset import RowFile
from alpacabench.io.rows import SUFFIXES, check_scale, read_preference, read_rows
from alpacabench.judge.recorded import Recorded as Verdicts
from alpacabench.model.recorded import Recorded as Answers
from tests.helpers.random_json import encoded_somehow, mutated

FEW = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
row = st.fixed_dictionaries(
    {"instruction": st.text(min_size=1, max_size=8) | anything},
    optional={name: st.text(max_size=6) | anything for name in ("output", "generator", "dataset", "category", "input")}
    | {"preference": st.sampled_from([0, 1, 2, 1.5, -1, None, True, "1", "x"]) | anything, "annotator": anything},
)  # fmt: skip
rows = st.lists(row | anything, max_size=4)
json_text = rows.map(json.dumps) | rows.map(lambda found: "\n".join(map(json.dumps, found))) | anything.map(json.dumps)
cell = st.text(max_size=6) | st.sampled_from(["", '"', "a,b", "x;y", "1", "\r\n", "instruction"])
table = st.lists(st.lists(cell, max_size=4), max_size=4).flatmap(
    lambda found: st.sampled_from(",;\t|").map(lambda sign: "\n".join(sign.join(line) for line in found))
)
text = json_text | table | table.map(lambda body: "instruction,output\n" + body)
encoding = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"])
data = st.tuples(text, encoding).map(lambda pair: pair[0].encode(pair[1], "replace")) | st.binary(max_size=40)
packed = (
    data
    | data.map(gzip.compress)
    | data.map(lambda found: gzip.compress(found, mtime=0)[:-3])
    | st.just(b"PAR1abcPAR1")
)
suffix = st.sampled_from([*SUFFIXES, ".JSON", ".json.gz", ".csv.xz", ".txt"])


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with a data set of two prompts."""
    (tmp_path / "prompts.json").write_text(json.dumps([{"instruction": text, "output": "o"} for text in "ab"]))
    return tmp_path


def reads(path: Path, content: bytes) -> int:
    """Read a file: return how many rows it has, 0 where it is refused by a message that names it."""
    path.write_bytes(content)
    try:
        found = read_rows(path, "dataset.path")
    except DataError as error:
        assert path.name in str(error)
        return 0
    for line in found:
        assert isinstance(line, dict)
        assert not any(isinstance(value, float) and math.isnan(value) for value in line.values())
    _uses(path)
    return len(found)


def _uses(path: Path) -> None:
    """Load the rows as prompts, references, answers and annotations: each is as it must be, or there is a message."""
    for dataset in (RowFile(path=str(path)), RowFile(path=str(path.parent / "prompts.json"), reference=str(path))):
        try:
            for example in dataset.load():
                assert example.instruction.strip() and isinstance(example.reference, str | None)
                assert "nan" not in (example.source, example.category, example.reference_generator)
        except DataError:
            pass
    for recorded, group in ((Verdicts(path=str(path)), "judge."), (Answers(path=str(path)), "model.")):
        problems = list(recorded.problems())
        assert all(problem.where.startswith(group) for problem in problems)
    if not problems:
        assert all(isinstance(row["output"], str | None) for row in recorded._rows().values()) and recorded.label


@FEW
@given(suffix, packed)
def test_any_file_is_rows_or_a_message(place: Path, suffix: str, content: bytes) -> None:
    reads(place / f"file{suffix}", content)


ROWS: tuple[list[dict[str, Any]], ...] = (
    [{"instruction": "a", "output": "x", "generator": "g", "dataset": "d"}, {"instruction": "b", "output": "y"}],
    [{"instruction": "a", "output_1": "x", "output_2": "y", "preference": 1.5, "annotator": "j"}] * 2,
    [{"prompt": "a", "reference": "x", "category": "c"}, {"instruction": "b", "preference": 2.0, "input": "i"}],
)
CELLS: dict[str, Any] = {
    "string": "a", "double": math.nan, "int64": 2, "bool": True, "binary": b"\xff\x00", "timestamp[ns]": 10**18,
}  # fmt: skip
"""A value of each of Parquet's kinds."""


def file_of(random: Random) -> bytes:
    """Return a file's content, mostly of its form: JSON, JSON lines, CSV or Parquet, packed or not, cut or not."""
    found = mutated(random.choice(ROWS), random, 0.05)
    lines = found if isinstance(found, list) else [found]
    make = random.choice((
        lambda: encoded_somehow(json.dumps(found), random),
        lambda: encoded_somehow("\n".join(map(json.dumps, lines)), random),
        lambda: encoded_somehow(csv_of(lines, random), random),
        lambda: parquet_of(random),
    ))  # fmt: skip
    data = make()
    if random.random() < 0.2:
        data = random.choice((gzip.compress, bz2.compress, lzma.compress))(data)
    return data[: random.randrange(len(data) + 1)] if random.random() < 0.1 else data


def csv_of(rows: list[Any], random: Random) -> str:
    """Return rows as a table, in quotes or not, with whatever separator."""
    sign, quote = random.choice(",;\t|"), random.choice(("", '"', '"', "'"))
    cells = [[*row.values()] if isinstance(row, dict) else [row] for row in rows]
    return "\n".join(sign.join(f"{quote}{cell}{quote}" for cell in row) for row in [[*ROWS[0][0]], *cells])


def parquet_of(random: Random) -> bytes:
    """Return a table whose columns are of kinds that come by chance, with gaps."""
    import pyarrow
    import pyarrow.parquet

    columns = {}
    for name in ("instruction", "output", "preference"):
        kind = random.choice(("string", "string", *CELLS))
        values = [random.choice((CELLS[kind], CELLS[kind], None)) for _ in range(2)]
        columns[name] = pyarrow.array(values, pyarrow.timestamp("ns") if "time" in kind else kind)
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), sink)
    return sink.getvalue()


@pytest.mark.slow
def test_ten_thousand_files_are_rows_or_messages(place: Path) -> None:
    random, read = Random(13), 0
    for _ in range(10_000):
        suffix = random.choice((*SUFFIXES, ".JSON", ".json.gz", ".csv.xz", ".txt"))
        read += reads(place / f"file{suffix}", file_of(random)) > 0
    assert 1_000 < read < 9_000


@FEW
@given(anything)
def test_any_preference_is_one_or_missing_or_refused(value: Any) -> None:
    try:
        check_scale([value], "here")
        preference = read_preference(value, "here")
    except DataError:
        return
    assert math.isnan(preference) or 1.0 <= preference <= 2.0
