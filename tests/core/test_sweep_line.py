"""The one line of a sweep: its counts, its dollars, and an estimate that knows what is still to come."""

from __future__ import annotations

import logging

import pytest

from alpacabench.core import progress
from alpacabench.core.context import given
from alpacabench.core.progress import Whole
from alpacabench.core.sweep_line import JOB_SECONDS, SweepLine


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_stages_count_towards_the_line_and_the_estimate_adds_what_follows(clock: list[float]) -> None:
    line = SweepLine()
    line.open(4, 20, 40, beside=False)
    assert line.text() == "Sweep: 0 of 4 jobs, 0 of 20 answers, 0 of 40 verdicts, $0.00"
    with given(line, Whole), progress.stage("Generating", 20, "answers") as advance:
        advance(4)  # what the store holds tells nothing of the speed
        assert line.parts["answers"].seconds_left is None
        clock[0] = 110.0
        advance(8)
        line.pay(0.25)
        line.pay(None)
    assert line.parts["answers"].seconds_left == pytest.approx(10.0)
    assert line.seconds_left is None, "nothing is known of the judge yet"
    line.parts["verdicts"].seconds_each = 0.5
    assert line.seconds_left == pytest.approx(10.0 + 20.0 + 4 * JOB_SECONDS)
    line.beside = True
    assert line.seconds_left == pytest.approx(20.0 + 4 * JOB_SECONDS)
    assert line.text() == "Sweep: 0 of 4 jobs, 12 of 20 answers, 0 of 40 verdicts, $0.25, about 22 s left"


def test_judges_one_after_the_other_share_a_clock_and_the_store_does_not_count(clock: list[float]) -> None:
    line = SweepLine()
    line.open(2, 0, 100, beside=False)
    with given(line, Whole):
        for _ in range(2):
            with progress.stage("Judging", 50, "verdicts") as advance:
                advance(10)  # what the store holds
                clock[0] += 20.0
                advance(20)
                assert line.parts["verdicts"].seconds_left == pytest.approx(100 - line.parts["verdicts"].done)
                advance(0)


def test_verdicts_that_are_read_together_count_in_part(clock: list[float]) -> None:
    line = SweepLine()
    line.open(1, 0, 100, beside=False)
    with given(line, Whole), progress.stage("Judging", 100, "verdicts") as advance:
        advance(0)
        clock[0] += 30.0  # the model is loaded
        progress.in_flight(0.0)
        clock[0] += 10.0
        progress.in_flight(20.0)
        assert line.parts["verdicts"].seconds_left == pytest.approx(40.0)
        clock[0] += 10.0
        progress.in_flight(40.0)
        advance(40)
        assert line.parts["verdicts"].seconds_left == pytest.approx(30.0), "they are no longer in flight"


def test_jobs_are_as_long_as_those_before_and_a_line_is_logged_now_and_then(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    line = SweepLine()
    line.open(3, 0, 0, beside=False)
    with caplog.at_level(logging.INFO, "alpacabench"):
        line.job_done(4.0)
        assert line.seconds_left == pytest.approx(8.0) and not caplog.text
        clock[0] += progress.LOG_SECONDS
        line.job_done(6.0)
    assert "Sweep: 2 of 3 jobs, $0.00, about 5 s left" in caplog.text
