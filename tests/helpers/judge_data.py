"""Pairs, judges and stores for the judge tests."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from alpacabench.core.component import build, require
from alpacabench.core.errors import Problem
from alpacabench.core.records import Example, Pair, Verdict
from alpacabench.judge.base import Judge
from tests.helpers.fakes.openai_server import read

ROOT = Path(__file__).resolve().parents[2]


def load_judge(option: str, *overrides: str) -> Judge:
    """Build a judge from its option file, as a run does."""
    from hydra import compose
    from omegaconf import OmegaConf

    from alpacabench.cli.hydra_options import composing

    with composing():
        config = compose(overrides=[f"+judge={option}", *overrides])
    problems: list[Problem] = []
    judge = build("judge", OmegaConf.to_container(config.judge, resolve=True), problems, option)  # type: ignore[arg-type]
    require(problems)
    assert isinstance(judge, Judge)
    return judge


def made_up_pairs(count: int, start: int = 0) -> list[Pair]:
    return [
        Pair(Example(i, f"Question {i}?", f"Reference {i}."), f"Question {i}?", f"Reference {i}.", f"Answer {i}!")
        for i in range(start, start + count)
    ]


def real_pairs(data: Path, model: str) -> list[Pair]:
    outputs = {row["instruction"]: row["output"] for row in read(data / f"{model}.outputs.json.gz")}
    return [
        Pair(
            Example(i, row["instruction"], row["output"], row["dataset"], reference_generator=row["generator"]),
            row["instruction"], row["output"], outputs[row["instruction"]], generator=model,
        )
        for i, row in enumerate(read(data / "gpt4_1106_preview.outputs.json.gz"))
        if outputs.get(row["instruction"]) is not None
    ]  # fmt: skip


def published(model: str) -> dict[str, str]:
    """Return the row of a model on the leaderboard that alpaca_eval ships."""
    spec = find_spec("alpaca_eval")
    assert spec and spec.origin
    path = Path(spec.origin).parent / "leaderboards/data_AlpacaEval_2/weighted_alpaca_eval_gpt4_turbo_leaderboard.csv"
    with path.open(encoding="utf-8") as file:
        return next(row for row in csv.DictReader(file) if row[""] == model)


def win_rate(verdicts: Sequence[Verdict]) -> tuple[float, float]:
    """Return win rate and standard error in points."""
    y = [100 * (v.preference - 1) for v in verdicts if v.preference is not None]
    mean = sum(y) / len(y)
    return mean, (sum((v - mean) ** 2 for v in y) / (len(y) - 1) / len(y)) ** 0.5


@contextmanager
def server_process(*arguments: str) -> Iterator[str]:
    """Run the fake server as a process of its own, so that it does not share our interpreter; yields its URL."""
    command = [sys.executable, "-m", "tests.helpers.fakes.openai_server", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()
