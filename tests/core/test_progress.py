"""Progress: units in flight count in part, and where there is no terminal a line says how long is left."""

from __future__ import annotations

import logging

import pytest

from alpacabench.core import progress


def test_the_estimate_counts_what_is_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    stage = progress.Stage("Generating", 20, "answers")
    assert stage.seconds_left is None
    now = 110.0
    stage.partial = 4.0
    assert stage.seconds_left == pytest.approx(40.0)
    stage.advance(4)
    stage.partial = 1.0
    assert stage.seconds_left == pytest.approx(30.0)
    stage.partial = 19.0
    assert stage.seconds_left == 0.0, "what was just finished may still be in flight"


def test_the_estimate_leaves_out_what_came_before_the_first_units(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with progress.stage("Generating", 20, "answers"):
        stage = progress.find(progress.Stage)
        assert stage is not None
        now = 400.0  # the model is loaded, and the prompts are read
        progress.in_flight(2.0)
        assert stage.seconds_left is None
        now = 410.0
        progress.in_flight(4.0)
        assert stage.seconds_left == pytest.approx(80.0)


def test_lines_are_logged_now_and_then_and_at_the_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.0)
    with caplog.at_level(logging.INFO, "alpacabench"), progress.stage("Judging", 3, "verdicts") as advance:
        advance(1)
        progress.in_flight(0.5)
    assert "Judging: 1 of 3 verdicts, about" in caplog.text
    assert caplog.text.rstrip().endswith("s") and "Judging: 1 of 3 verdicts in" in caplog.text


def test_outside_a_stage_nothing_is_shown_and_an_inner_stage_gives_way_to_the_outer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    progress.in_flight(1.0)
    with caplog.at_level(logging.INFO, "alpacabench"), progress.stage("Outer", 2) as advance:
        with progress.stage("Inner", 1) as inner:
            inner(1)
        advance(2)
        progress.in_flight(0.0)
    assert [line.split(":")[0] for line in caplog.messages] == ["Inner", "Outer"]
