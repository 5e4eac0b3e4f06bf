"""Every sentence that concludes something is true of what was planted, on a grid of truths; none stands elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import product

import pytest
from scipy.stats import binom

from alpacabench.analysis.decision import HALF_POWER, claim_p, detectable, differs
from alpacabench.core.sentence import Sentence
from alpacabench.scoring.paired import FEW_DRAWS, Delta, compare_win_rates
from tests.helpers import said
from tests.helpers.planted import Planted, instructions
from tests.helpers.points import points
from tests.helpers.said import Said

KINDS = ("hard", "soft", "ties", "loss", "draw", "win", "undecided")
FEW, MANY = (1, 2, 3, 5, 8, 12), (32, 100, 805)
EFFECTS = {"null": 0.0, "small": 2.0, "large": 25.0, "worse": -25.0}
Tell = Callable[[Planted, int], list[Said]]


def pairs(sizes: Iterable[int]) -> list[Planted]:
    found = [Planted(kind, n, (35.0, 35.0 + by)) for kind, n, by in product(KINDS[:3], sizes, EFFECTS.values())]
    found += [Planted(kind, n) for kind, n in product(KINDS[3:], sizes)]
    found += [Planted("hard", n, (35.0, 35.0), copies=True) for n in sizes]
    found += [Planted("hard", n, (50.0, 80.0), by_length=True) for n in sizes]
    found += [Planted(kind, n, (35.0, 35.0 + by), 0.3) for kind, n, by in product(("hard", "loss"), sizes, (0, 25))]
    return found


def runs(sizes: Iterable[int]) -> list[Planted]:
    kinds = product(KINDS, sizes, (50.0, 70.0, 30.0), (False, True), (0.0, 100.0))
    found = [Planted(kind, n, (rate,), both=both, bias=bias) for kind, n, rate, both, bias in kinds]
    return [*found, *(Planted("hard", n, (30.0,), missing) for n, missing in product(sizes, (0.3, 1.0)))]


def sweeps(sizes: Iterable[int]) -> list[Planted]:
    shapes = (
        (35.0,) * 4,
        (35.0, 36.0, 37.0, 34.0),
        (35.0, 35.0, 60.0, 10.0),
        (35.0, 60.0),
        (60.0, 35.0),
        (60.0, 60.0, 35.0),
    )
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


SAID_OF = {
    "pair": ("pair", "metric", "given", "gate"), "run": ("run",), "sweep": ("sweep", "best", "jobs"),
    "ablation": ("ablation", "chance", "caution"),
}  # fmt: skip
"""The first parts of the names of sentences that each of them prints."""


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


def test_every_sentence_comes_up_and_is_true_at_the_points_that_no_draw_reaches() -> None:
    told = list(points())
    assert not [one.text for one in told if not one.true]
    lacking = set(said.registry()) - {one.name for one in told}
    for what, kinds in SAID_OF.items():
        tell, grid = TOLD[what]
        points_of = grid((1, 5, 40, 400))
        for planted in (one for start in range(7) for one in points_of[start::7]):
            if any(name.partition(".")[0] in kinds for name in lacking):
                lacking -= {one.name for one in tell(planted, 0)}
    assert not lacking
    assert set(said.registry()) == set(said.TRUTHS)


@pytest.mark.parametrize("what", TOLD)
def test_no_sentence_is_false_of_what_was_planted(what: str) -> None:
    tell, grid = TOLD[what]
    assert not false_ones(tell, grid((1, 2, 5, 12)), draws=2)
    assert not false_ones(tell, grid((805,))[::9], draws=1)


@pytest.mark.slow
@pytest.mark.parametrize("n", [*FEW, *MANY])
@pytest.mark.parametrize("what", TOLD)
def test_a_test_is_false_no_more_often_than_its_level(what: str, n: int) -> None:
    tell, grid = TOLD[what]
    assert not false_ones(tell, grid((n,)), draws=100 if n < 100 else 25)


MUTATIONS = {
    "pair.saturated": ("pair", lambda pair: True), "pair.more": ("pair", lambda pair: pair.delta_wr.value > 0),
    "pair.inside": ("pair", lambda pair: True), "gate.release": ("pair", lambda decision: True),
    "metric.differs": ("pair", lambda facts: facts.delta.estimate != 0),
    "run.reference": ("run", lambda run: run.rate.value < 50), "run.gap_bias": ("run", lambda run: run.gap != 0),
    "run.no_gap": ("run", lambda run: True), "sweep.saturated": ("sweep", lambda table: table.n_shared > 0),
    "sweep.established": ("sweep", lambda table: True), "best.all_same": ("sweep", lambda table: True),
    "best.separated": ("sweep", lambda table: True), "ablation.robust": ("ablation", lambda table: True),
    "ablation.moves": ("ablation", lambda family: True), "caution.zero_floor": ("ablation", lambda floor: True),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_sentence_with_another_condition_is_found_to_be_false(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    what, when = MUTATIONS[name]
    tell, grid = TOLD[what]
    for module in said.modules():
        for key, group in vars(module).items():
            if isinstance(group, tuple) and any(isinstance(one, Sentence) and one.name == name for one in group):
                changed = tuple(replace(one, when=when) if one.name == name else one for one in group)
                front = sorted(changed, key=lambda one: one.name != name)
                monkeypatch.setattr(module, key, tuple(front))
    found = _until_false(tell, grid((12, 40)), name)
    assert any(line.startswith(f"{name}, false") for line in found), found


def _until_false(tell: Tell, grid: Iterable[Planted], name: str) -> list[str]:
    """Return what is false at the first point where this sentence is."""
    for planted in grid:
        try:
            found = false_ones(tell, [planted], draws=12)
        except (AssertionError, AttributeError, IndexError, KeyError, StopIteration, ValueError) as error:
            found = [f"{name}, false: it has no facts to stand on ({error!r})"]
        if any(line.startswith(f"{name}, false") for line in found):
            return found
    return []


@pytest.mark.parametrize(("kind", "n"), [("hard", 40), ("hard", 300), ("soft", 300)])
def test_a_difference_that_is_promised_with_80_percent_power_is_found_so(kind: str, n: int) -> None:
    """Finding 9: what is promised with 80% power is found so, and .70 of it with 50%."""
    rounds, null = 100, Planted(kind, n, (40.0, 40.0))
    promised = [size for seed in range(20) if (size := detectable(_delta(null, seed))) is not None]
    assert promised
    size = sum(promised) / len(promised)
    planted = Planted(kind, n, (40.0 - size / 2, 40.0 + size / 2))
    found = sum(differs(claim_p(_delta(planted, seed))) for seed in range(rounds))
    assert found / rounds > 0.65, "80% less three standard errors and what few changes cost"
    half = Planted(kind, n, (40.0 - HALF_POWER * size / 2, 40.0 + HALF_POWER * size / 2))
    found = sum(differs(claim_p(_delta(half, seed))) for seed in range(rounds))
    assert found / rounds == pytest.approx(0.5, abs=0.15), "three standard errors"


def _delta(planted: Planted, seed: int) -> Delta:
    y, texts = 1 + planted.draw(seed), instructions(planted.n)
    return compare_win_rates(texts, y[0], texts, y[1], margin=2, draws=FEW_DRAWS)
