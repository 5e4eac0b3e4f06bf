"""For every sentence that may be printed: is it true of what was planted, or of the verdicts that were drawn?

A sentence whose condition is a test is held to the planted rates; one that counts is counted again here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from alpacabench.scoring.arrays import Floats
from tests.helpers.planted import LEVELS, NOTHING, Planted
from tests.helpers.simulations import COMPARISONS, power

MARGIN = 2.0
PLAIN = 1e-3
"""A p-value below which not even a cautious test may call a difference not shown."""
ROUNDS = 120
"""Of a simulation of what is promised."""
Fields = Mapping[str, str]


@dataclass(frozen=True)
class Known:
    """What a sentence is held to."""

    planted: Planted
    y: Floats
    """Outcomes as drawn, shape (runs, prompts); of the paired sentences the base and the run."""
    names: tuple[str, ...] = ()
    slots: tuple[Floats, Floats] | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    """What a point made by hand plants besides."""

    @property
    def shared(self) -> Floats:
        """The outcomes on prompts with a verdict in every run."""
        return self.y[:, ~np.isnan(self.y).any(axis=0)]

    @property
    def effect(self) -> float:
        """The true difference of the second run from the first, in points; 0 where verdicts show nothing."""
        copies = self.planted.copies or self.planted.kind in NOTHING
        return 0.0 if copies else self.planted.rates[-1] - self.planted.rates[0]

    def rate(self, name: str) -> float:
        """The true rate of a run, by its name."""
        return self.planted.rates[0 if self.planted.copies else self.names.index(name)]


def number(text: str) -> float:
    """Return the number that a text begins with."""
    found = re.match(r"[+−-]?[\d,]*\.?\d+", text.strip())
    assert found, text
    return float(found[0].replace("−", "-").replace(",", ""))


def close(text: str, value: float, within: float = 0.051) -> bool:
    return abs(number(text) - value) <= within


def always(said: Fields, known: Known) -> bool:
    return True


def not_plain(known: Known, a: int = 0, b: int = 1) -> bool:
    """Return whether a difference is not so plain that calling it not shown would be false."""
    d = known.shared[b] - known.shared[a]
    if len(d) < 30 or np.ptp(d) == 0 or np.sum(np.abs(d)) < 20:
        return True
    return bool(stats.ttest_1samp(d, 0).pvalue > PLAIN or stats.wilcoxon(d).pvalue > PLAIN)


def saturated(said: Fields, known: Known) -> bool:
    y = known.y[~np.isnan(known.y)]
    return len(y) > 0 and bool(np.all(y == LEVELS[said["level"].split()[-1]]))


def level_only(said: Fields, known: Known) -> bool:
    return len(np.unique(known.shared)) == 1 and int(said["n"]) == known.shared.shape[1]


def shared_level(said: Fields, known: Known) -> bool:
    return bool(np.all(known.shared == LEVELS[said["level"].split()[-1]]))


def higher(said: Fields, known: Known) -> bool:
    return known.effect > 0


def lower(said: Fields, known: Known) -> bool:
    return known.effect < 0


def inside(said: Fields, known: Known) -> bool:
    return abs(known.effect) < MARGIN and known.planted.kind not in NOTHING


def judge_undecided(said: Fields, known: Known) -> bool:
    """Return whether the judge is undecided on most of the verdicts, and on as many as is told."""
    share = float(np.mean(np.abs(known.shared - 0.5) < 0.05)) * 100
    return share > 50 and close(said["share"], share, 0.51)


def undecided(said: Fields, known: Known) -> bool:
    return not_plain(known)


def rates(said: Fields, known: Known) -> bool:
    one, other = known.shared.mean(axis=1) * 100
    told = close(said["rate_a"], one) and close(said["rate_b"], other)
    return told and close(said["delta"], other - one) and int(said["n"].replace(",", "")) == known.shared.shape[1]


def flips(said: Fields, known: Known) -> bool:
    base, run = known.shared > 0.5
    won, lost = int(np.sum(run & ~base)), int(np.sum(base & ~run))
    p = stats.binomtest(won, won + lost).pvalue if won + lost else 1.0
    told = [int(said[key].replace(",", "")) for key in ("flips", "won", "lost")]
    return told == [won + lost, won, lost] and ("<" in said["p"] or close(said["p"].split()[-1], p, 0.00051))


def by_length(said: Fields, known: Known) -> bool:
    return known.planted.by_length


def differs(said: Fields, known: Known) -> bool:
    return known.effect > 0 if said["way"] == "higher" else known.effect < 0


PAIR: dict[str, Callable[[Fields, Known], bool]] = {
    "pair.saturated": saturated, "pair.saturated_shared": shared_level,
    "pair.more": higher, "pair.less": lower, "pair.equivalent": inside,
    "pair.undecided": undecided, "pair.rates": rates, "pair.lc": always, "pair.lc_length": by_length,
    "pair.lc_unclear": lambda said, known: not known.planted.by_length or known.planted.n < 100, "pair.flips": flips,
    "pair.judge_undecided": judge_undecided, "metric.judge_undecided": judge_undecided,
    "gate.judge_undecided": judge_undecided,
    "pair.inside": inside, "pair.outside": lambda said, known: known.planted.kind not in LEVELS,
    "pair.power": lambda said, known: 0 < number(said["half"]) < number(said["size"]) < 100,
    "metric.saturated": level_only, "metric.differs": differs, "metric.equivalent": inside,
    "metric.undecided": undecided, "metric.too_few": undecided,
    "given.left_out": lambda said, known: int(said["left_out"]) == known.y.shape[1] - known.shared.shape[1] > 0,
    "given.bounds": lambda said, known: bounds(said, known),
    "given.slots": lambda said, known: bool(known.facts.get("slots_unknown")), "given.no_lc": always,
    "numerics.pair_only": lambda said, known: known.facts.get("numerics") == "only",
    "numerics.pair_unknown": lambda said, known: known.facts.get("numerics") == "more",
    "gate.saturated": level_only, "gate.undecided": lambda said, known: not_plain(known) or known.effect > 0,
    "gate.release": lambda said, known: known.effect > -_margin(said) - 1e-9
    and (known.planted.kind not in NOTHING or _margin(said) == 0),
    "gate.block": lambda said, known: known.effect < -_margin(said) - 1e-9,
    "gate.missing": lambda said, known: [int(said[k]) for k in ("either", "base", "run")] == [
        int(np.isnan(known.y).any(axis=0).sum()), *np.isnan(known.y).sum(axis=1).tolist()
    ],
}  # fmt: skip


def _margin(said: Fields) -> float:
    return number(said["loss"]) if said["loss"][0].isdigit() else 0.0


def bounds(said: Fields, known: Known) -> bool:
    base, run = known.y
    low = np.nan_to_num(run, nan=0.0).mean() - np.nan_to_num(base, nan=1.0).mean()
    high = np.nan_to_num(run, nan=1.0).mean() - np.nan_to_num(base, nan=0.0).mean()
    return close(said["low"], low * 100, 0.0051) and close(said["high"], high * 100, 0.0051)


def standing(said: Fields, known: Known) -> bool:
    """Return whether verdicts that were called undecided are so."""
    y = known.y[0][~np.isnan(known.y[0])]
    if np.ptp(y) == 0:
        return len(y) < 8 or bool(y.mean() == 0.5)
    return len(y) < 30 or bool(stats.ttest_1samp(y, 0.5).pvalue > PLAIN or stats.wilcoxon(y - 0.5).pvalue > PLAIN)


def gap(said: Fields, known: Known) -> bool:
    """Return whether the gap and its direction are those of the verdicts."""
    assert known.slots
    first, second = known.slots
    both = ~np.isnan(first + second)
    sides = [side[both] if both.any() else side[~np.isnan(side)] for side in (first, second)]
    found = (sides[1].mean() - sides[0].mean()) * 100
    return close(said["gap"], abs(found)) and (found > 0) == (said["way"] == "higher")


RUN: dict[str, Callable[[Fields, Known], bool]] = {
    "run.no_verdict": lambda said, known: bool(np.isnan(known.y).all()),
    "run.not_judged": lambda said, known: bool(known.facts.get("not_judged")),
    "run.no_interval": lambda said, known: bool(known.facts.get("no_interval")),
    "run.reference": lambda said, known: true_rate(known) < 50, "run.model": lambda said, known: true_rate(known) > 50,
    "run.undecided": standing, "run.too_few": standing,
    "run.length": lambda said, known: close(
        said["change"], abs(number(said["rate"]) - np.nanmean(known.y) * 100), 0.11
    ),
    "run.no_gap": lambda said, known: bool(known.slots and np.nanmean(known.slots[0]) == np.nanmean(known.slots[1])),
    "run.gap_bias": lambda said, known: gap(said, known) and known.planted.bias != 0 and known.planted.both,
    "run.gap_prompts": lambda said, known: gap(said, known) and known.planted.bias != 0 and not known.planted.both,
    "run.gap_chance": lambda said, known: gap(said, known) and (abs(known.planted.bias) < 60 or known.planted.n < 40),
    "run.power": lambda said, known: known.planted.n >= 30 and np.nanstd(known.y) > 0,
}  # fmt: skip


def true_rate(known: Known) -> float:
    planted, level = known.planted, LEVELS.get(known.planted.kind)
    share = abs(planted.bias) / 100
    rate = 50.0 if planted.kind == "undecided" else planted.rates[0] if level is None else 100 * level
    return (1 - share) * rate + share * 50


def place(said: Fields, known: Known) -> bool:
    rates = [rate for rate in known.facts["published"] if rate is not None]  # type: ignore[attr-defined]
    own = float(np.nanmean(known.y[0])) * 100
    rank, best, worst, n = (int(said[key]) for key in ("rank", "best", "worst", "n"))
    return rank == 1 + sum(rate > own for rate in rates) and best <= rank <= worst <= n == len(rates) + 1


BOARD: dict[str, Callable[[Fields, Known], bool]] = {
    "board.place": place, "board.label": always,
    "board.subset": lambda said, known: int(said["n"]) == int((~np.isnan(known.y[0])).sum()) < int(said["most"]),
}  # fmt: skip


def kept(above: bool) -> Callable[[Fields, Known], bool]:
    """Return whether the rate of a check and its limit are told as they were planted."""

    def holds(said: Fields, known: Known) -> bool:
        rate = float(str(known.facts["rate"]))
        return close(said["rate"], rate) and (rate > number(said["most"])) is above

    return holds


def _promised(said: Fields, known: Known, key: str, soft: bool) -> bool:
    """Return whether a simulation finds the difference in about 80% of rounds with the first number of prompts."""
    n, spread = int(said[key].split(" to ")[0]), float(str(known.facts["spread"]))
    return abs(power(n, spread, number(said["difference"]), ROUNDS, soft) - 0.8) < 0.04 + 3 * math.sqrt(0.16 / ROUNDS)


def _found(said: Fields, known: Known) -> bool:
    size, spread = number(said["sizes"]), float(str(known.facts["spread"]))
    return power(int(said["n"]), spread, size, ROUNDS) > 0.76 - 3 * math.sqrt(0.16 / ROUNDS)


POWER: dict[str, Callable[[Fields, Known], bool]] = {
    "power.needed": lambda said, known: _promised(said, known, "whole", soft=False),
    "power.needed_by_kind": lambda said, known: _promised(said, known, "whole", soft=False)
    and _promised(said, known, "soft", soft=True),
    "power.found": _found, "power.found_none": lambda said, known: int(said["n"]) < math.log2(COMPARISONS / 0.05),
    "power.spread_seen": lambda said, known: close(said["spread"], float(str(known.facts["spread"])), 0.51)
    and said["whole"] == "100%",
    "power.spread_given": lambda said, known: close(said["spread"], float(str(known.facts["spread"])), 0.51),
    "power.spread_assumed": lambda said, known: bool(known.facts.get("assumed")),
}  # fmt: skip

GATE: dict[str, Callable[[Fields, Known], bool]] = {
    "gate.series": lambda said, known: 0 < float(said["alpha"]) < float(said["whole"]), "gate.above": kept(True),
    "gate.within": kept(False),
}  # fmt: skip
