"""`make validation`: nulls, coverages and planted effects as one table, `docs/validation.md`; minutes on two cores."""

from __future__ import annotations

import argparse
import datetime
import math
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from alpacabench.analysis.decision import ALPHA, POWER
from alpacabench.scoring.power import Claim, prompts_needed
from tests.helpers import simulations as simulate

PAGE = Path(__file__).parents[2] / "docs" / "validation.md"
ROUNDS = 400
HEAD = """# Validation

What the statistics promise, in simulations with a known truth. Written by `make validation` on {date}, {rounds} rounds
for a cell ({fewer} where there are 805 prompts), in {minutes:.0f} minutes on two cores; the seeds stand in
`tests/helpers/simulations.py`. "Holds" allows two standard errors of a share of so many rounds. The slow tests run the
same simulations with 1,000 rounds.

| what | setting | promised | measured | holds |
|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Line:
    """One cell of the table; shares are in percent."""

    what: str
    setting: str
    promised: str
    measured: str
    holds: bool


Cell = Callable[[int], list[Line]]


def at_most(what: str, setting: str, share: float, most: float, rounds: int) -> Line:
    noise = 2 * math.sqrt(most * (1 - most) / rounds)
    return Line(what, setting, f"at most {100 * most:g}%", f"{100 * share:.1f}%", share <= most + noise)


def at_least(what: str, setting: str, share: float, least: float, rounds: int) -> Line:
    noise = 2 * math.sqrt(least * (1 - least) / rounds)
    return Line(what, setting, f"at least {100 * least:g}%", f"{100 * share:.1f}%", share >= least - noise)


def sweeps(rounds: int, n: int, runs: int) -> list[Line]:
    """Null sweeps: the worst of all kinds of verdicts."""
    rounds = fewer(rounds) if n > 200 else rounds
    found = [simulate.false_alarms(kind, runs, n, rounds) for kind in simulate.KINDS]
    setting = f"{runs} equal jobs, {n} prompts, the worst of {len(found)} kinds of verdicts"
    most = 0.07 if n <= 200 else 0.10
    return [
        at_most(f"family error, {name}", setting, max(one[name] for one in found), most, rounds)
        for name in ("max-T", "all pairs", "Holm", "best")
    ]


def pairs(rounds: int, n: int) -> list[Line]:
    lines = []
    for won, lost in ((0.02, 0.07), (0.08, 0.08), (0.05, 0.2)):
        covered, equivalent = simulate.paired_intervals(n, won, lost, rounds)
        setting = f"{n} prompts, {100 * won:g}% won and {100 * lost:g}% lost"
        lines.append(at_least("paired 95% interval covers", setting, covered, 0.93, rounds))
        if won != lost:
            lines.append(at_most("false equivalence within 2 points", setting, equivalent, 0.05, rounds))
    return lines


def rates(rounds: int, n: int) -> list[Line]:
    return [
        at_least("win rate's 95% interval covers", f"{n} prompts, {kind} verdicts", share, 0.92, rounds)
        for kind in ("hard", "rare", "soft", "ties")
        for share in [simulate.win_rate_intervals(kind, n, rounds)]
    ]


def gates(rounds: int, n: int) -> list[Line]:
    return [
        at_most("gate blocks falsely", f"{n} prompts, win rate {100 * level:g}%", share, 0.05, rounds)
        for level in (0.1, 0.5)
        for share in [simulate.false_blocks(n, level, rounds)]
    ] + [
        at_most("gate blocks a tolerated loss", f"{n} prompts, a loss of the margin, {shape}", share, 0.05, rounds)
        for shape in simulate.SHAPES
        for share in [simulate.false_blocks_at_margin(n, 2, shape, rounds)]
    ]


def series(rounds: int) -> list[Line]:
    share = simulate.false_series(rounds // 3)
    return [at_most("any of 20 gates of a series blocks falsely", "100 prompts", share, 0.05, rounds // 3)]


def planted(rounds: int, spread: float, soft: bool) -> list[Line]:
    n = prompts_needed(5, spread, Claim(simulate.COMPARISONS, POWER, ALPHA), 0.0 if soft else 1.0)
    share = simulate.power(n, spread, 5, rounds, soft)
    kind = "soft" if soft else "hard"
    setting = f"{n} prompts, {kind} verdicts, spread {spread:g} points, {simulate.COMPARISONS} comparisons"
    holds = abs(share - 0.8) <= 0.04 + 2 * math.sqrt(0.16 / rounds)
    return [Line("a difference of 5 points is found", setting, "80% ± 4", f"{100 * share:.1f}%", holds)]


def fewer(rounds: int) -> int:
    return max(20, rounds // 5)


def cells() -> Iterator[tuple[Callable[..., list[Line]], tuple[float, ...]]]:
    for n in (12, 20, 32, 100, 805):
        yield pairs, (n,)
    for n in (20, 99, 100, 805):
        yield rates, (n,)
    for n in (5, 12, 32, 100, 805):
        for runs in (4, 8, 20):
            yield sweeps, (n, runs)
    for n in (8, 30, 100, 400):
        yield gates, (n,)
    yield series, ()
    for spread in (22.3, 30, 39.5):
        for soft in (False, True):
            yield planted, (spread, soft)
    yield planted, (15, True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--out", type=Path, default=PAGE)
    given = parser.parse_args()
    start = time.monotonic()
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        futures = [pool.submit(cell, given.rounds, *arguments) for cell, arguments in cells()]
        lines = [line for future in futures for line in future.result()]
    head = HEAD.format(
        date=datetime.datetime.now(tz=datetime.UTC).date(),
        rounds=given.rounds,
        fewer=fewer(given.rounds),
        minutes=max(1, (time.monotonic() - start) / 60),
    )
    rows = [
        f"| {line.what} | {line.setting} | {line.promised} | {line.measured} | {'yes' if line.holds else '**no**'} |"
        for line in lines
    ]
    given.out.write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    failed = sum(not line.holds for line in lines)
    print(f"{len(lines)} lines, {failed} do not hold: {given.out}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
