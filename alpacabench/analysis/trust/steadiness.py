"""Whether a judge stays the same: asked again about a pair, and from the first verdict of a run to the last."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from alpacabench.analysis.estimate import decimal
from alpacabench.analysis.trust.finding import FEW, Part, share, unknown
from alpacabench.analysis.trust.judged import Judged
from alpacabench.scoring.arrays import Floats

FLIPS = 34.3
"""Percent in which one person contradicts the majority of three others (`humans`, Variance, in alpaca_eval 0.6.6's
evaluators_leaderboard.csv): more, and a judge is less steady than people among each other."""
DRAWS = 999
SETTLED = 50
"""Random orders with a change as large after which no more are drawn: whatever the others show, the p-value is above
0.05. It stays exact (Besag & Clifford 1991, Sequential Monte Carlo p-values, Biometrika 78, p. 301)."""
EDGE = 0.1
"""Share of the verdicts at either end between which a change is looked for."""
WAYS = ("the model wins {} of the first {} verdicts asked and {} of the other {}",
        "the answer shown first wins {} of the first {} verdicts asked and {} of the other {}",
        "the longer answer wins {} of the first {} verdicts asked and {} of the other {}",
        "missing are {} of the first {} verdicts asked and {} of the other {}")  # fmt: skip
"""How each of the four signals of `_signals` is told."""


def repeats(verdicts: Sequence[Judged]) -> list[Part]:
    """Return how often a verdict asked again has another winner, and whether the judge changed within the run."""
    within = change_within(verdicts)
    return [flips(verdicts), *([within] if within else [])]


def flips(verdicts: Sequence[Judged]) -> Part:
    """Return how often a verdict asked again has another winner than the first time."""
    asked: dict[tuple[object, ...], list[float]] = defaultdict(list)
    for verdict in sorted(verdicts, key=lambda v: v.repeat):
        if not math.isnan(verdict.y):
            asked[(verdict.prompt, verdict.sample, verdict.turn, verdict.model_first)].append(verdict.y)
    found: dict[object, list[float]] = defaultdict(list)
    for (prompt, *_), values in asked.items():
        sides = np.sign(np.array(values) - 0.5)
        if len(sides) > 1:
            found[prompt].append(float(np.mean(sides[1:] != sides[0])))
    if len(found) < FEW:
        return unknown("repeats", f"fewer than {FEW} prompts were judged more than once: judge.repeats=2")
    shares = np.array([np.mean(values) for values in found.values()])
    return share("repeats", shares, FLIPS, "greater", "of verdicts asked again have another winner")


def change_within(verdicts: Sequence[Judged], seed: int = 0) -> Part | None:
    """Return the largest change at any moment of the run; None with too few verdicts, or where nobody asked for them.

    A run asks in the order of the store's keys, which is a random one: with a judge that stays the same every order of
    its verdicts is as likely, whatever the prompts are. So random orders give the exact p-value of the largest
    standardised difference before and after a moment, over moments and over four signals: who wins, the place, the
    length, and what is missing.
    """
    rows = sorted((v for v in verdicts if v.key), key=lambda v: v.key)
    if len(rows) < 2 * FEW:
        return None
    signals = _signals(rows)
    spread = signals.std(axis=0)
    used = np.flatnonzero(spread > 1e-9)
    if not len(used):
        return None
    scaled = ((signals - signals.mean(axis=0)) / np.where(spread > 1e-9, spread, 1))[:, used].astype(np.float32)
    seen = _ratios(scaled)
    rng, exceeded, drawn = np.random.default_rng(seed), 0, 0
    while drawn < DRAWS and exceeded < SETTLED:
        drawn += 1
        exceeded += float(_ratios(scaled[rng.permutation(len(scaled))]).max()) >= float(seen.max()) - 1e-5
    moment, column = np.unravel_index(int(np.argmax(seen)), seen.shape)
    return Part("repeats", _told(signals[:, used[column]], _first(len(rows)) + int(moment), int(used[column])),
                p=exceeded / drawn if exceeded == SETTLED else (1 + exceeded) / (1 + DRAWS))  # fmt: skip


def _signals(rows: Sequence[Judged]) -> Floats:
    """Return who wins, the win of the first place, the win of the longer answer, and what is missing, in columns.

    Centred where the verdict is missing, or says nothing of it.
    """
    y = np.array([0.0 if math.isnan(v.y) else v.y - 0.5 for v in rows])
    place = np.array([0 if v.model_first is None else 1 if v.model_first else -1 for v in rows])
    longer = np.array([v.longer for v in rows])
    missing = np.array([math.isnan(v.y) for v in rows], dtype=np.float64)
    return np.stack([y, y * place, y * longer, missing], axis=1)


def _ratios(scaled: Floats) -> Floats:
    """Return the standardised difference before and after each moment, shape (moments, signals)."""
    first = _first(len(scaled))
    sums = np.cumsum(scaled, axis=0)[first - 1 : len(scaled) - first]
    return np.abs(sums) / _roots(len(scaled))


@lru_cache(maxsize=1)
def _roots(n: int) -> Floats:
    """Return the standard deviation of a sum of so many of n values at each moment, shape (moments, 1)."""
    at = np.arange(_first(n), n - _first(n) + 1)
    return np.asarray(np.sqrt(at * (n - at) / n)[:, None])


def _first(n: int) -> int:
    return max(1, math.ceil(n * EDGE))


def _told(signal: Floats, moment: int, which: int) -> str:
    centre = 0.0 if which == len(WAYS) - 1 else 0.5
    before, after = (f"{decimal((float(part.mean()) + centre) * 100)}%" for part in (signal[:moment], signal[moment:]))
    return "the largest change within the run: " + WAYS[which].format(before, moment, after, len(signal) - moment)
