"""What a call owns is made once and ends with it; what is given holds for its block, in threads, too."""

from __future__ import annotations

import threading
from contextvars import copy_context
from pathlib import Path

import pytest

from alpacabench.core.context import current, find, given, opened, owned


class Models:
    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


class Counts(dict[str, int]):
    pass


def test_what_a_call_owns_is_one_object_and_ends_with_the_call() -> None:
    outside = owned(Counts)
    with opened() as context:
        models = owned(Models)
        assert owned(Models) is models is context.owned(Models) and owned(Counts) is not outside
        assert not models.closed
    assert models.closed == 1 and owned(Counts) is outside


def test_it_ends_also_where_the_call_fails() -> None:
    with pytest.raises(RuntimeError), opened():
        models = owned(Models)
        raise RuntimeError
    assert models.closed == 1


def test_the_directory_is_the_one_that_the_call_was_made_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with opened():
        monkeypatch.chdir(tmp_path.parent)
        assert current().directory == tmp_path
    assert current().directory == tmp_path.parent


def test_what_is_given_holds_for_its_block_and_the_innermost_wins() -> None:
    assert find(str) is None
    with given("outer"):
        with given("inner"), given(1):
            assert (find(str), find(int)) == ("inner", 1)
        assert (find(str), find(int)) == ("outer", None)
    assert find(str) is None


def test_a_thread_that_is_started_in_a_copy_has_the_same_context() -> None:
    found = []

    def look() -> None:
        found.append((owned(Counts), find(str)))

    with opened(), given("outer"):
        expected = owned(Counts)
        thread = threading.Thread(target=copy_context().run, args=(look,))
        thread.start()
        thread.join()
    assert found[0][0] is expected and found[0][1] == "outer"
