"""Each distinct question is asked once: over the store, over processes, and after a crash."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from alpacabench.core.errors import StoreError
from alpacabench.store.ask_once import Reply, ask_once
from alpacabench.store.payload import Payload
from alpacabench.store.store import Store

QUESTIONS = {f"k{i}": i for i in range(40)}


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/sub/store.db"


def _payload(q: int) -> Payload:
    """Return what is an answer of either kind."""
    return {"text": str(q), "preference": 1.5}


def _answer(questions: list[int]) -> Iterator[Reply]:
    for q in reversed(questions):
        yield Reply(f"k{q}", _payload(q))


def test_a_second_call_asks_nothing(url: str) -> None:
    with Store(url) as store:
        first = ask_once(store, "generation", QUESTIONS, _answer)
        second = ask_once(store, "generation", QUESTIONS, _never)
    assert first.payloads == second.payloads == {key: _payload(q) for key, q in QUESTIONS.items()}
    assert first.asked == set(QUESTIONS)
    assert second.asked == set()


def _never(questions: list[int]) -> Iterator[Reply]:
    raise AssertionError(f"asked again: {questions}")
    yield


def test_kinds_do_not_answer_for_each_other(url: str) -> None:
    with Store(url) as store:
        ask_once(store, "generation", QUESTIONS, _answer)
        assert ask_once(store, "verdict", QUESTIONS, _answer).asked == set(QUESTIONS)


def test_a_failure_is_kept_but_is_never_a_hit(url: str) -> None:
    def flaky(questions: list[int]) -> Iterator[Reply]:
        for q in questions:
            yield Reply(f"k{q}", failure="429") if q % 3 == 0 else Reply(f"k{q}", _payload(q))

    with Store(url) as store:
        first = ask_once(store, "verdict", QUESTIONS, flaky)
        assert set(first.failures) == {f"k{i}" for i in range(0, 40, 3)}
        second = ask_once(store, "verdict", QUESTIONS, _answer)
    assert second.asked == set(first.failures)
    assert not second.failures


def test_what_arrived_before_an_error_is_kept_and_the_rest_can_be_asked_again(url: str) -> None:
    def breaks(questions: list[int]) -> Iterator[Reply]:
        yield from list(_answer(questions))[:7]
        raise RuntimeError("the machine stopped")

    with Store(url) as store:
        with pytest.raises(RuntimeError):
            ask_once(store, "verdict", QUESTIONS, breaks)
        assert len(ask_once(store, "verdict", QUESTIONS, _answer).asked) == len(QUESTIONS) - 7


def _slow_worker(url: str, log: str, seconds: float) -> None:
    def slow(questions: list[int]) -> Iterator[Reply]:
        for q in questions:
            time.sleep(seconds)
            with Path(log).open("a") as file:
                file.write(f"k{q}\n")
            yield Reply(f"k{q}", _payload(q))

    with Store(url) as store:
        answers = ask_once(store, "verdict", QUESTIONS, slow)
    assert len(answers.payloads) == len(QUESTIONS)


def test_processes_share_the_work_and_never_ask_twice(url: str, tmp_path: Path) -> None:
    log = tmp_path / "asked"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_slow_worker, args=(url, str(log), 0.01)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert sorted(log.read_text().split()) == sorted(QUESTIONS)


def test_the_claims_of_a_killed_process_are_taken_over_at_once(url: str, tmp_path: Path) -> None:
    log = tmp_path / "asked"
    worker = multiprocessing.get_context("spawn").Process(target=_slow_worker, args=(url, str(log), 0.05))
    worker.start()
    while not log.exists() or log.read_text().count("\n") < 5:
        time.sleep(0.02)
    assert worker.pid
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    done = log.read_text().split()
    start = time.monotonic()
    with Store(url) as store:
        answers = ask_once(store, "verdict", QUESTIONS, _answer)
    assert time.monotonic() - start < 5
    assert len(answers.payloads) == len(QUESTIONS)
    # Only what was in flight or not yet committed may be asked again.
    assert len(answers.asked) <= len(QUESTIONS) - len(done) + 2


def test_an_unusable_url_is_one_clear_message() -> None:
    with pytest.raises(StoreError, match=r"store\.url"):
        Store("nonsense")
    with pytest.raises(StoreError, match="nowhere/store.db cannot be used: it cannot be opened or made"):
        Store("sqlite:////proc/nowhere/store.db")
