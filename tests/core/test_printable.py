"""What is shown of any text: nothing that moves, colours or reorders, and every other character as it is."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpacabench.core.printable import printable


@given(st.text(st.characters(), max_size=60))
def test_no_control_character_is_left_and_no_other_changes(text: str) -> None:
    shown = printable(text)
    shown.encode()  # no half of a pair
    assert all(unicodedata.category(c) != "Cc" or c in "\n\t" for c in shown)
    kept = [c for c in text if unicodedata.category(c) not in ("Cc", "Cs", "Cf", "Zl", "Zp")]
    assert [c for c in kept if c not in shown] == []
    assert printable(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\tand\nlines", "plain\tand\nlines"),
        ("a\r\nb\rc", "a\nb␍c"),
        ("\x1b[31mred", "␛[31mred"),
        ("naïve – ünïcode 漢字", "naïve – ünïcode 漢字"),
        ("a\u202eb\u2028c\x85d\x7f", "a\ufffdb\nc\nd␡"),
        ("half \ud800", "half \ufffd"),
        ("لغة\u200cها", "لغة\u200cها"),
    ],
)
def test_each_kind(text: str, shown: str) -> None:
    assert printable(text) == shown
