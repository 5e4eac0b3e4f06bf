"""Points that no draw reaches: runs that failed, were stopped, have other numerics, judges, limits, or no floor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from alpacabench.analysis.ablation.answer import answer
from alpacabench.analysis.ablation.variant import Kind, Seen, System, Variant
from alpacabench.analysis.checked_answers import Kept
from alpacabench.analysis.compare.comparison import compare
from alpacabench.analysis.compare.page import page_of
from alpacabench.analysis.decision import ALPHA, POWER
from alpacabench.analysis.estimate import Estimate
from alpacabench.analysis.gate.series import Place
from alpacabench.analysis.leaderboard import build, published
from alpacabench.analysis.numerics import of_sweep
from alpacabench.analysis.power import Spread, spread_of
from alpacabench.analysis.sentences import ablation, gate, given, numerics, power, run
from alpacabench.analysis.sentences import compare as pair_says
from alpacabench.analysis.sentences import sweep as sweep_says
from alpacabench.analysis.sweep.table import SweepTable
from alpacabench.scoring.arrays import Floats
from alpacabench.scoring.power import Claim
from tests.helpers import judge_truths
from tests.helpers import planted as plant
from tests.helpers.finished_runs import JUDGE, REFERENCE
from tests.helpers.planted import Planted
from tests.helpers.said import Said, held_to, table_of
from tests.helpers.simulations import COMPARISONS
from tests.helpers.truths import Known

HF = {"_target_": "alpacabench.model.hf.HuggingFace", "path": "m", "dtype": "float32"}
SMALL = Planted("hard", 40, (35.0, 35.0))
FAR = Planted("hard", 400, (30.0, 65.0))


def points() -> Iterator[Said]:
    """Yield what is said at every point."""
    parts = (_runs, _pairs, _gates, _board, _sweeps, _stopped, _jobs, _ablations, _decodes, _power)
    for part in (*parts, judge_truths.points):
        for texts, known in part():
            yield from held_to(texts, known)


Point = Iterator[tuple[list[str], Known]]


def _runs() -> Point:
    facts = run.RunFacts("model", "reference", Estimate(50.0), [50.0], {})
    yield run.findings(facts), Known(Planted("draw", 1), np.array([[0.5]]), facts={"no_interval": True})
    none = Known(Planted("draw", 1), np.array([[np.nan]]), facts={"not_judged": True})
    yield run.findings(replace(facts, rate=None, judged=False)), none
    lc = replace(facts, lc=Estimate(40.0, 30.0, 50.0), lc_label="Length-controlled", rate=Estimate(50.0, 0.0, 100.0))
    yield run.findings(lc), Known(Planted("draw", 1), np.array([[0.5]]))


def _pairs() -> Point:
    y = SMALL.draw(0)
    texts = plant.instructions(SMALL.n)
    for settings, how in (({"dtype": "bfloat16"}, "only"), ({"dtype": "bfloat16", "path": "other"}, "more")):
        base = plant.run("A", y[0].tolist(), model_settings=HF)
        other = plant.run("B", y[1].tolist(), model_settings=HF | settings)
        unknown = replace(other, items={text: replace(other.items[text], slots=None) for text in texts})
        page = page_of(compare(base, unknown))
        yield [*page.warnings], Known(SMALL, y, facts={"numerics": how, "slots_unknown": True})
        yield pair_says.findings(replace(page, raw_minus_lc=None)), Known(SMALL, y)


def _gates() -> Point:
    for rate in (0.0, 4.0):
        limit = Kept("secrets", 2.0, rate, 0.0, 9.0, 50, 1)
        known = Known(SMALL, SMALL.draw(0), facts={"rate": rate})
        yield [gate.limit(limit), gate.place(Place("nightly", 3, 0.05))], known


def _board() -> Point:
    planted = Planted("hard", 100, (30.0,))
    y = planted.draw(0)
    board = build([plant.run("mine", y[0].tolist())], None, "win_rate")
    rates = [row.win_rate.value for row in published(JUDGE, REFERENCE)]
    place = next(place for place in board.places if place.row.own)
    yield [str(place), *board.notes], Known(planted, y, facts={"published": rates})


def _table(planted: Planted, seed: int = 0, **changed: Any) -> tuple[SweepTable, Floats]:
    y = planted.draw(seed)
    return replace(table_of(y), **changed), y


def _told(table: SweepTable, planted: Planted, y: Floats, **facts: object) -> tuple[list[str], Known]:
    names = tuple(row.name for row in table.rows)
    return [sweep_says.headline(table), *sweep_says.findings(table)], Known(planted, y, names, facts=facts)


def _sweeps() -> Point:
    planted = Planted("hard", 400, (35.0, 35.0, 60.0))
    table, y = _table(planted)
    violated = SimpleNamespace(difference=SimpleNamespace(estimate=12.0), p_holm=0.001)
    rows = (*table.rows[:1], replace(table.rows[1], violations={"secrets": violated}), *table.rows[2:])
    yield _told(replace(table, rows=rows, identical=True), planted, y, violations=True, identical=True)
    failed = replace(table.rows[1], win_rate=None, delta_wr=None, lc=None, failure="no CUDA", tied_with_best=False)
    yield _told(replace(table, rows=(table.rows[0], failed, table.rows[2])), planted, y, failed=1)
    loss = Planted("loss", 20, (35.0, 35.0, 35.0))
    table, y = _table(loss)
    rows = (replace(table.rows[0], own_win_rate=Estimate(10.0, 0.0, 20.0)), *table.rows[1:])
    yield _told(replace(table, rows=rows), loss, y)


def _stopped() -> Point:
    """A race: the best is left, and what became of the others is told as it was."""
    planted = Planted("hard", 400, (35.0, 60.0))
    table, y = _table(planted)
    lost = {"win_rate": None, "delta_wr": None, "delta_lc": None, "lc": None, "p_holm": None, "tied_with_best": False}
    best = replace(table.rows[1], delta_wr=None, delta_lc=None, p_holm=None, tied_with_best=True)
    stopped = replace(table.rows[0], **lost, stopped="another is better")
    third = replace(stopped, name="s=2", overrides={"s": "2"}, stopped=None, failure="no CUDA")
    for others, told in (((stopped,), {"race": "stopped", "one_left": True}), ((stopped, third), {"race": "failed"})):
        known = told | {"stopped": True, "failed": len(others) - 1, "no_base": True}
        yield _told(replace(table, rows=(best, *others), metrics={}), planted, y[[1]], **known)
    alone = (replace(best, tied_with_best=False), third)
    yield _told(replace(table, rows=alone, metrics={}), planted, y[[1]], alone=True, failed=1, no_base=True)


def _jobs() -> Point:
    y = SMALL.draw(0)
    jobs = given.Jobs(40, other_prompts=True, n_judges=2, base=0, objective="length_controlled_winrate", refused="why")
    facts = {"other_prompts": True, "judges": True, "no_base": True, "objective": True}
    yield given.of_jobs(jobs), Known(SMALL, y, facts=facts)
    sweep = plant.sweep(y)
    for changed, how in (({"dtype": "bfloat16"}, "alone"), ({"dtype": "bfloat16", "path": "other"}, "unknown")):
        settings = (HF, HF | changed)
        jobs_of = zip(sweep.jobs, settings, strict=True)
        mixed = tuple(replace(job, run=replace(job.run, model_settings=one)) for job, one in jobs_of)
        found = of_sweep(replace(sweep, jobs=mixed))
        yield numerics.findings(found), Known(SMALL, y, facts={"numerics": how})


def _variant(name: str, y: Floats, kind: Kind = "robustness", **changed: Any) -> Variant:
    return Variant(name, plant.run(name, y.tolist(), **changed), kind=kind)


def _answered(system: System, known: Known) -> tuple[list[str], Known]:
    table = answer(system)
    return [ablation.headline(table), *ablation.findings(table), *table.warnings], known


def _ablations() -> Point:
    """Effects on purpose, winners that flip while the rate stays, a curve that falls and rises, and other settings."""
    y = FAR.draw(0)
    again = np.where(np.arange(FAR.n) % 10 == 0, 1 - y[0], y[0])
    base, floor = _variant("base", y[0]), _variant("floor_1", again)
    flipped = np.roll(y[0], 1)  # the same rate, and other prompts
    for kind in ("robustness", "effect"):
        changed = (_variant("typos_low", flipped, kind), _variant("casing_low", y[1], kind))  # type: ignore[arg-type]
        names = ("base", "floor_1", "typos_low", "casing_low")
        planted = replace(FAR, rates=(30.0, 30.0, 30.0, 65.0))
        known = Known(planted, np.array([y[0], again, flipped, y[1]]), names, facts={"flips": True, "effects": True})
        yield _answered(System(base, changed, (floor,)), known)
        yield _answered(System(base, changed[:1], (floor,)), known)
    same = _variant("polite", y[0], "effect")
    known = Known(FAR, np.array([y[0], again, y[0]]), ("base", "floor_1", "polite"), facts={"effects": True})
    yield _answered(System(base, (same,), (floor,)), known)
    seen = {text: Seen(text + "!") for text in plant.instructions(FAR.n)}
    levels = [
        replace(_variant(f"typos_{level}", row), strength=strength, prompts=seen)
        for level, row, strength in (("low", y[1], 0.1), ("medium", y[0], 0.5), ("high", y[1], 1.0))
    ]
    names = ("base", "typos_low", "typos_medium", "typos_high")
    planted = replace(FAR, rates=(30.0, 65.0, 30.0, 65.0))
    settings = {"judge_settings": {"instruction": "perturbed", "seed": 0}, "judge": "another"}
    levels[0] = replace(levels[0], run=replace(levels[0].run, **settings))
    facts = {"dose": True, "no_floor": True, "perturbed": True, "differs": True}
    yield _answered(
        System(base, tuple(levels), ()), Known(planted, np.array([y[0], y[1], y[0], y[1]]), names, facts=facts)
    )


def _decodes() -> Point:
    y = FAR.draw(1)[0]
    again = np.where(np.arange(FAR.n) % 10 == 0, 1 - y, y)
    known = Known(FAR, np.array([y, again]), ("base", "floor_1"), facts={"decodes": True})
    yield _answered(System(_variant("base", y), (), (_variant("floor_1", again),)), known)
    copies = replace(FAR, copies=True)
    none = np.full(FAR.n, np.nan)
    known = Known(copies, np.array([y, none, y]), ("base", "floor_1", "typos_low"), facts={"no_floor": True})
    variants = (_variant("typos_low", y),)
    yield _answered(System(_variant("base", y), variants, (_variant("floor_1", none),)), known)
    gone = np.where(np.arange(FAR.n) < 1, y, np.nan)
    names = ("base", "floor_1", "typos_low", "casing_low")
    known = Known(copies, np.array([y, y, y, gone]), names)
    variants = (_variant("typos_low", y), _variant("casing_low", gone))
    yield _answered(System(_variant("base", y), variants, (_variant("floor_1", y),)), known)


def _power() -> Point:
    """Spreads seen, given and assumed, and too few prompts for anything."""
    claim = Claim(COMPARISONS, POWER, ALPHA)
    seen, assumed = Spread((30.0,), n_pairs=2, whole=1.0), spread_of([])
    for spread, n in ((seen, 200), (seen, 3), (Spread((30.0,)), 200), (assumed, None)):
        known = Known(SMALL, SMALL.draw(0), facts={"spread": spread.values[0], "assumed": spread is assumed})
        yield power.findings(power.PowerFacts(spread, 5.0, claim, n)), known
