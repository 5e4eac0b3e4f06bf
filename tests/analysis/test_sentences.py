"""Every sentence that concludes something is true of what was planted, on a grid of truths; none stands elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import product

import pytest
from scipy.stats import binom

from tests.helpers import said
from tests.helpers.planted import Planted
from tests.helpers.said import Said

KINDS = ("hard", "soft", "ties", "loss", "draw", "win")
FEW, MANY = (1, 2, 3, 5, 8, 12), (32, 100, 805)
EFFECTS = {"null": 0.0, "small": 2.0, "large": 25.0, "worse": -25.0}
Tell = Callable[[Planted, int], list[Said]]


def pairs(sizes: Iterable[int]) -> list[Planted]:
    found = [Planted(kind, n, (35.0, 35.0 + by)) for kind, n, by in product(KINDS[:3], sizes, EFFECTS.values())]
    found += [Planted(kind, n) for kind, n in product(KINDS[3:], sizes)]
    found += [Planted("hard", n, (35.0, 35.0), copies=True) for n in sizes]
    found += [Planted(kind, n, (35.0, 35.0 + by), 0.3) for kind, n, by in product(("hard", "loss"), sizes, (0, 25))]
    return found


def runs(sizes: Iterable[int]) -> list[Planted]:
    kinds = product(KINDS, sizes, (50.0, 70.0, 30.0), (False, True), (0.0, 100.0))
    found = [Planted(kind, n, (rate,), both=both, bias=bias) for kind, n, rate, both, bias in kinds]
    return [*found, *(Planted("hard", n, (30.0,), missing) for n, missing in product(sizes, (0.3, 1.0)))]


def sweeps(sizes: Iterable[int]) -> list[Planted]:
    shapes = ((35.0,) * 4, (35.0, 36.0, 37.0, 34.0), (35.0, 35.0, 60.0, 10.0), (35.0, 60.0))
    found = [Planted(kind, n, rates) for kind, n, rates in product(KINDS[:3], sizes, shapes)]
    found += [Planted(kind, n, (35.0,) * 3, missing) for kind, n, missing in product(KINDS[3:], sizes, (0, 0.2))]
    found += [Planted("hard", n, (35.0,) * 3, copies=True) for n in sizes]
    return [*found, *(Planted("hard", n, shapes[2], 0.1) for n in sizes)]


def ablations(sizes: Iterable[int]) -> list[Planted]:
    shapes = ((40.0,) * 5, (40.0,) * 4 + (10.0,), (40.0,) * 3 + (42.0, 38.0))
    found = [Planted(kind, n, rates) for kind, n, rates in product(KINDS[:3], sizes, shapes)]
    found += [Planted(kind, n, (40.0,) * 5, missing) for kind, n, missing in product(KINDS[3:], sizes, (0, 0.2))]
    return [*found, *(Planted("hard", n, (40.0,) * 5, copies=True) for n in sizes)]


TOLD: dict[str, tuple[Tell, Callable[[Iterable[int]], list[Planted]]]] = {
    "pair": (said.of_pair, pairs), "run": (said.of_run, runs), "sweep": (said.of_sweep, sweeps),
    "ablation": (said.of_ablation, ablations),
}  # fmt: skip


def false_ones(tell: Tell, grid: Iterable[Planted], draws: int) -> list[str]:
    """Return every sentence that is false: at once where it counts, more often than its level where it tests."""
    found = []
    for planted in grid:
        wrong: Counter[str] = Counter()
        texts: dict[str, str] = {}
        for seed in range(draws):
            for one in tell(planted, seed):
                if not one.true:
                    wrong[one.name] += 1
                    texts[one.name] = one.text
        levels = {name: said.registry()[name].error for name in wrong}
        found += [
            f"{name}, false in {wrong[name]} of {draws}: {texts[name]!r} of {planted}"
            for name, level in levels.items()
            if binom.sf(wrong[name] - 1, draws, level) < 1e-4
        ]
    return found


@pytest.mark.parametrize("what", TOLD)
def test_no_sentence_is_false_of_what_was_planted(what: str) -> None:
    tell, grid = TOLD[what]
    assert not false_ones(tell, grid((1, 2, 5, 12)), draws=2)
