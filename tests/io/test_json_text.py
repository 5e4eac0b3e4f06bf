"""JSON of files: indented as Python's own, and read back as the same value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpacabench.io.json_text import dumps, indented, loads

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)


@given(VALUES | st.dictionaries(st.text(), SCALARS, max_size=5))
def test_both_forms_read_back_as_the_same_value(value: Any) -> None:
    line, lines = dumps(value), indented(value)
    assert loads(line) == loads(lines) == value
    assert "\n" not in line
    (line + lines).encode()  # no half of a pair


@pytest.mark.parametrize(
    "value",
    [{}, [], {"a": 1}, {"a": "b\nc", "é": None, "n": [1.5, True]}, {"a": {}}, {3: '",\n  "'}, [{"a": []}], "x"],
)  # fmt: skip
def test_lines_are_indented_as_pythons_own_are(value: Any) -> None:
    assert indented(value) == json.dumps(value, ensure_ascii=False, indent=2)
