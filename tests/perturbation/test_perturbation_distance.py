"""The two edit distances against a plain dynamic programme."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpacabench.perturbation.validity.distance import levenshtein, transposition_distance

TEXT = st.text(alphabet="abcé ", max_size=30)


def textbook(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        last, row = row, [i]
        for j, y in enumerate(b, start=1):
            row.append(min(last[j] + 1, row[-1] + 1, last[j - 1] + (x != y)))
    return row[-1]


@given(TEXT, TEXT)
def test_levenshtein_equals_the_textbook_programme(a: str, b: str) -> None:
    assert levenshtein(a, b) == textbook(a, b)


def test_levenshtein_is_right_beyond_one_machine_word() -> None:
    text = "the quick brown fox " * 60
    assert levenshtein(text, text.replace("quick", "quack")) == 60
    assert levenshtein(text, text[::2]) == len(text) - len(text[::2])


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [("teh", "the", 1), ("hte", "the", 1), ("", "ab", 2), ("abcd", "badc", 2)],
)
def test_a_swap_of_neighbours_is_one_edit(a: str, b: str, distance: int) -> None:
    assert transposition_distance(a, b) == distance
