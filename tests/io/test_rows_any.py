"""Whatever bytes a file holds, and whatever it is called, it is rows or a message that names it."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from alpacabench.core.errors import DataError
from alpacabench.dataset import RowFile
from alpacabench.io.rows import SUFFIXES, check_scale, read_preference, read_rows
from alpacabench.judge.recorded import Recorded

FEW = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
MANY = settings(
    max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate], database=None
)
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


def reads(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        found = read_rows(path, "dataset.path")
    except DataError as error:
        assert path.name in str(error)
        return
    for line in found:
        assert isinstance(line, dict)
        assert not any(isinstance(value, float) and math.isnan(value) for value in line.values())
    _uses(path)


def _uses(path: Path) -> None:
    """Load the rows as a data set and as annotations: examples and preferences that can be, or a message."""
    try:
        for example in RowFile(path=str(path)).load():
            assert example.instruction.strip() and (example.reference is None or example.reference.strip())
            assert "nan" not in (example.source, example.category, example.reference_generator)
    except DataError:
        pass
    problems = list(Recorded(path=str(path)).problems())
    assert all(problem.where.startswith("judge.") for problem in problems)


@FEW
@given(suffix, packed)
def test_any_file_is_rows_or_a_message(tmp_path: Path, suffix: str, content: bytes) -> None:
    reads(tmp_path / f"file{suffix}", content)


@pytest.mark.slow
@MANY
@given(suffix, packed)
def test_ten_thousand_files_are_rows_or_messages(tmp_path: Path, suffix: str, content: bytes) -> None:
    reads(tmp_path / f"file{suffix}", content)


@FEW
@given(anything)
def test_any_preference_is_one_or_missing_or_refused(value: Any) -> None:
    try:
        check_scale([value], "here")
        preference = read_preference(value, "here")
    except DataError:
        return
    assert math.isnan(preference) or 1.0 <= preference <= 2.0
