"""What a run of many prompts takes: little memory beside their texts, and time that grows with their number."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from alpacabench.analysis.trust.biases import position
from alpacabench.analysis.trust.judged import Judged
from alpacabench.core.canonical import digest_rows
from alpacabench.core.records import Example, Generation, Outcome, Pair, Prompt, Verdict
from alpacabench.io.run_files import write_run
from alpacabench.scoring.length_control import length_controlled_noreg
from alpacabench.scoring.pairs import Pairs
from alpacabench.scoring.screens import screen

ROWS, LETTERS = 1_500, 1_000


def outcome(index: int) -> Outcome:
    text = f"{index} " * (LETTERS // 5)
    example = Example(index, f"Question {index}?", text)
    generation = Generation(Prompt(example, example.instruction), text + "!", generator="model")
    verdict = Verdict(Pair(example, example.instruction, text, text + "!"), 2.0, index % 2 == 0, judge="longest")
    return Outcome(generation.prompt, (generation,), (verdict,))


def peak(of: Callable[[], object]) -> float:
    """Return the most MiB that were allocated meanwhile."""
    tracemalloc.start()
    of()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / 2**20


def test_files_digests_and_screens_hold_one_row_at_a_time(tmp_path: Path) -> None:
    outcomes = [outcome(index) for index in range(ROWS)]
    texts = [(o.example.instruction, o.output or "") for o in outcomes]
    whole = sum(len(text) for pair in texts for text in pair) / 2**20
    assert peak(lambda: write_run(tmp_path, outcomes, {"win_rate": 100.0}, "longest")) < whole / 4
    assert peak(lambda: digest_rows([one, two] for one, two in texts)) < whole / 4
    assert peak(lambda: screen(*map(list, zip(*texts, strict=True)))) < whole


def test_resamples_and_placings_of_many_prompts_are_drawn_in_blocks() -> None:
    rows, draw = 10_000, np.random.default_rng(0)
    lengths, wins = draw.normal(size=rows), (draw.random(rows) < 0.5).astype(np.float64)
    pairs = Pairs(tuple(map(str, range(rows))), wins, np.tanh(lengths))
    every_resample = 500 * rows * 8 / 2**20
    assert peak(lambda: length_controlled_noreg(pairs)) < every_resample / 2
    verdicts = [Judged(row, wins[row], bool(row % 2)) for row in range(rows)]
    every_placing = 4_999 * rows / 2**20
    assert peak(lambda: position(verdicts)) < every_placing / 2


@pytest.mark.slow
def test_a_hundred_thousand_prompts_fit_into_a_gigabyte_and_time_grows_with_their_number() -> None:
    from benchmarks.size import run

    small, middle, large = (run(size, "mlflow") for size in (1_000, 10_000, 100_000))
    assert large.mebibytes * 2**20 < 1e9
    # What a thousand more take: the second is a small difference, and varies by a quarter from run to run.
    assert (large.seconds - middle.seconds) / 90 < 1.5 * (middle.seconds - small.seconds) / 9
    assert large.seconds < 1.2 * 10 * middle.seconds
