"""Systems whose truth is known from the parameters that they are drawn with, never from what our own code says."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from alpacabench.analysis.finished_run import FinishedRun, Item
from alpacabench.analysis.sweep.scored import ScoredJob, ScoredSweep
from alpacabench.core.records import Example, Generation, Outcome, Pair, Prompt, Verdict
from alpacabench.io.manifest import JobResult
from alpacabench.scoring.arrays import Floats
from tests.helpers.finished_runs import JUDGE, REFERENCE

LEVELS = {"loss": 0.0, "draw": 0.5, "win": 1.0}
NOTHING = {*LEVELS, "undecided"}
"""Kinds of verdicts that show neither a difference nor that there is none."""
REFERENCE_LENGTH = 60
FEW = 40
"""Prompts up to which a sweep has its answers, and with them length control."""
REDRAWN = 0.4
"""Share of the prompts on which two hard runs are drawn apart."""


@dataclass(frozen=True)
class Planted:
    """What is true of some runs on one set of prompts."""

    kind: str
    """hard, soft or ties; loss, draw or win where every verdict is that; undecided where all are near one half."""
    n: int
    rates: tuple[float, ...] = (30.0, 30.0)
    """True win rate of each run, in percent; the first is the base."""
    missing: float = 0.0
    """Chance that a verdict is missing, whatever it would have been."""
    copies: bool = False
    """Whether all runs gave the same answers, and have the same verdicts."""
    bias: float = 0.0
    """Points by which the judge prefers what it is shown second."""
    both: bool = False
    """Whether each prompt is judged in both orders."""
    by_length: bool = False
    """Whether nothing but length decides, and the second run writes longer answers."""

    def draw(self, seed: int) -> Floats:
        """Return outcomes in [0, 1], shape (runs, prompts); NaN where a verdict is missing."""
        rng = np.random.default_rng([3, seed, self.n])
        y = np.array([self._one(rate / 100, seed, run) for run, rate in enumerate(self.rates)])
        if self.copies:
            y[:] = y[0]
        return np.where(rng.random(y.shape) < self.missing, np.nan, y)

    def _one(self, rate: float, seed: int, run: int) -> Floats:
        shared, own = np.random.default_rng([1, seed, self.n]), np.random.default_rng([2, seed, self.n, 1 + run])
        if self.kind in LEVELS:
            return np.full(self.n, LEVELS[self.kind])
        if self.kind == "undecided":
            return 0.5 + own.uniform(-0.04, 0.04, self.n)
        if self.kind == "soft":
            return rate + shared.uniform(-0.06, 0.06, self.n) + own.uniform(-0.03, 0.03, self.n)
        halves = [
            np.where(own.random(self.n) < REDRAWN, own.random(self.n), shared.random(self.n)) < rate
            for _ in range(2 if self.kind == "ties" else 1)
        ]
        return np.asarray(np.mean(halves, axis=0))


def instructions(n: int) -> list[str]:
    return [f"Question {row:04d}: name a colour." for row in range(n)]


def by_length(n: int, seed: int) -> tuple[Floats, Floats]:
    """Return outcomes and lengths of two runs, shape (runs, prompts), of a judge that sees nothing but length."""
    rng = np.random.default_rng([5, seed, n])
    lengths = REFERENCE_LENGTH + rng.uniform(-50, 50, (2, n)).round()
    lengths[1] += 40
    return (rng.random((2, n)) < 1 / (1 + np.exp((REFERENCE_LENGTH - lengths) / 20))).astype(float), lengths


def run(
    name: str, y: Sequence[float], lengths: Sequence[float] = (), answers: bool = True, **changed: object
) -> FinishedRun:
    """Return a finished run with these outcomes; without its answers there is no length control, which takes long."""
    texts = instructions(len(y))
    long = lengths or [20.0 + row * 7 % 50 for row in range(len(y))]
    items = {
        text: Item(
            row, text, 1 + float(y[row]), output=f"{name} {row}" + "." * int(long[row]) if answers else None,
            reference="r" * REFERENCE_LENGTH, length=float(long[row]) if answers else None, slots=(row % 2 == 0,),
        )
        for row, text in enumerate(texts)
    }  # fmt: skip
    known = {"name": name, "origin": name, "judge": JUDGE, "reference": REFERENCE, "items": items} | changed
    return FinishedRun(**known)  # type: ignore[arg-type]


@cache
def _directory() -> Path:
    """Return a job's directory that tells no single verdict."""
    folder = Path(tempfile.mkdtemp(prefix="planted-"))
    (folder / "verdicts.jsonl").touch()
    return folder


def sweep(y: Floats, answers: Sequence[str] = ()) -> ScoredSweep:
    """Return the jobs of a sweep over `s`, one for each row of outcomes."""
    from alpacabench.analysis.sweep.scored import given

    jobs = []
    for number, row in enumerate(y):
        known = row[~np.isnan(row)]
        metrics = {"n_total": float(len(known)), "win_rate": float(known.mean() * 100) if len(known) else 50.0}
        one = run(f"s={number}", row.tolist(), answers=y.shape[1] <= FEW, metrics=metrics)
        if answers:
            one = run(answers[number], row.tolist(), metrics=metrics)
        result = JobResult(number, f"s={number}", str(number), {"s": str(number)}, "finished")
        jobs.append(ScoredJob(result, _directory(), one))
    texts = tuple(instructions(y.shape[1]))
    missing = int(np.isnan(y).sum())
    return ScoredSweep(tuple(jobs), texts, tuple(given.of_jobs(given.Jobs(len(texts), missing=missing))))


@dataclass(frozen=True)
class Judged:
    """Outcomes of one run with their verdicts by slot."""

    outcomes: list[Outcome]
    first: Floats = field(repr=False)
    second: Floats = field(repr=False)


def judged(planted: Planted, seed: int) -> Judged:
    """Return one run judged in one or both orders, by a judge that is drawn to the second place by `bias` points."""
    y, rng = planted.draw(seed)[0], np.random.default_rng([4, seed, planted.n])
    shift = planted.bias / 200
    sides = np.full((2, planted.n), np.nan)
    outcomes = []
    for row, text in enumerate(instructions(planted.n)):
        example = Example(row, text, "a reference of some length", "own", "ideas", REFERENCE)
        prompt = Prompt(example, text)
        answer = Generation(prompt, "an answer " + "." * (row % 9), "stop", 1, 1, 0.1, generator="model")
        pair, verdicts = Pair(example, text, "a reference of some length", answer.text or ""), []
        for slot in (0, 1) if planted.both else (int(rng.random() < 0.5),):
            turned = rng.random() < abs(shift) * 2
            value = (float((slot == 1) == (shift > 0)) if turned else y[row]) if shift else y[row]
            sides[slot, row] = value
            known = None if np.isnan(value) else 1 + float(value)
            verdicts.append(Verdict(pair, known, slot == 0, "judge", failure=None if known else "no verdict"))
        outcomes.append(Outcome(prompt, (answer,), tuple(verdicts)))
    return Judged(outcomes, sides[0], sides[1])
