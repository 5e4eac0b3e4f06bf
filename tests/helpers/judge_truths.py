"""What is said of judges, and beside a run's scores: points made by hand, and whether each sentence is true of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from alpacabench.analysis.bridge import bridge
from alpacabench.analysis.drift.anchors import Round
from alpacabench.analysis.drift.answer import Answer, Found
from alpacabench.analysis.sentences import judges
from alpacabench.analysis.trust.finding import Finding, Status
from alpacabench.analysis.trust.trust import JudgeTrust
from alpacabench.core.records import Outcome
from alpacabench.scoring import cautions
from alpacabench.scoring.arrays import Floats
from alpacabench.scoring.length_control import MIN_WINS, length_controlled_noreg
from alpacabench.scoring.pairs import Pairs, Refusal
from alpacabench.scoring.scoring import Difficulties, Scoring
from tests.helpers import planted as plant
from tests.helpers.planted import Planted
from tests.helpers.truths import Fields, Known, close, not_plain, number

NULL = Planted("hard", 100, (40.0, 40.0))
Point = Iterator[tuple[list[str], Known]]


def points() -> Point:
    """Yield what is said of judges at every point."""
    for part in (_trust, _drift, _bridge, _scores):
        yield from part()


def _trust() -> Point:
    for verdicts in (("ok", "flag"), ("ok", "unknown"), ("unknown", "unknown")):
        found = tuple(Finding(name, verdict, "") for name, verdict in zip(("order", "gaming"), verdicts, strict=True))
        yield [judges.line({one.name: one.verdict for one in found})], _known(verdicts)
        for n in (1, 2):
            yield [judges.trust([JudgeTrust("judge", found)] * n)], _known(verdicts, n)
    at_fault: tuple[Status, ...] = ("flag",)
    for n in (1, 2):
        yield [judges.trust([JudgeTrust("judge", (Finding("order", "flag", ""),))] * n)], _known(at_fault, n)


def _known(verdicts: tuple[str, ...], n: int = 1) -> Known:
    return Known(NULL, NULL.draw(0), facts={"verdicts": verdicts, "n": n})


def _drift() -> Point:
    baseline = Round("2026-01-02T00:00:00", {}, 0, {})
    every: tuple[Found, ...] = ("baseline", "unchanged", "changed", "unknown")
    for verdict in every:
        answer = Answer(verdict, "judge", Path("record"), "3 pairs lack a verdict", baseline=baseline)
        yield [judges.drift(answer)], Known(NULL, NULL.draw(0), facts={"drift": verdict})


def _bridge() -> Point:
    """Two judges that do not differ, that do, and a few prompts that all go one way: five of ten are no proof."""
    one_way = np.array([[0.0] * 10, [1.0] * 5 + [0.0] * 5])
    draws: list[tuple[Planted, Floats]] = [(NULL, NULL.draw(seed)) for seed in range(3)]
    far = Planted("hard", 400, (30.0, 65.0))
    for planted, y in (*draws, (far, far.draw(0)), (Planted("hard", 10, (40.0, 40.0)), one_way)):
        old, new = (plant.run("A", row.tolist(), judge=judge) for row, judge in zip(y, ("old", "new"), strict=True))
        yield [judges.bridge(bridge(old, new))], Known(planted, y)


def _scores() -> Point:
    """A verdict in one order only, and lengths or winners that are all on one side."""
    planted = Planted("hard", 40, (50.0,), both=True)
    outcomes = plant.judged(planted, 0).outcomes
    gap = Outcome(outcomes[0].prompt, outcomes[0].generations, outcomes[0].verdicts[:1])
    examples = [outcome.prompt.example for outcome in outcomes]
    told = Scoring(bootstrap=200).score([gap, *outcomes[1:]], examples, Difficulties(None, "none"), "judge").warnings
    one_order = [text for text in told if "one order" in text]
    assert one_order
    yield one_order, Known(planted, planted.draw(0), facts={"gaps": 1})
    yield cautions.of_run(cautions.OfRun(whole=805, scored=100)), Known(planted, planted.draw(0), facts={"scored": 100})
    texts, y = plant.instructions(60), 1 + np.resize([0.0, 1.0], 60)
    long, short, mixed = np.full(60, 9000.0), 1.0 + np.arange(60) % 2, np.arange(60) * 10.0
    for lengths, preferences in ((long, y), (short, y), (mixed, y * 0 + 1)):
        pairs = Pairs.of(texts, preferences.tolist(), lengths.tolist(), (300.0 + np.arange(60)).tolist())
        facts = {"longer": bool(lengths.mean() > 300), "won": float(np.sum(preferences - 1))}
        refused = length_controlled_noreg(pairs)
        known = Known(planted, (preferences - 1)[None], facts=facts)
        yield [refused.reason] if isinstance(refused, Refusal) else [], known
    for won, longer, regularised in ((1.0, True, True), (30.0, False, True)):
        fit = cautions.OfFit(60, 200, won, MIN_WINS, longer, won > 10, regularised)
        yield cautions.of_fit(fit), Known(planted, planted.draw(0), facts={"longer": longer, "won": won})


def _trusted(said: Fields, known: Known) -> bool:
    verdicts = known.facts["verdicts"]
    assert isinstance(verdicts, tuple)
    answered = sum(verdict != "unknown" for verdict in verdicts)
    return (int(said["known"]), int(said["n"])) == (answered, len(verdicts))


def _flags(n: int, of: tuple[str, ...]) -> Callable[[Fields, Known], bool]:
    return lambda said, known: known.facts["n"] == n and known.facts["verdicts"] == of


def _side(said: Fields, known: Known) -> bool:
    return (said["side"] == "longer") is known.facts["longer"]


def _no_fault(n: int) -> Callable[[Fields, Known], bool]:
    return lambda said, known: known.facts["n"] == n and "flag" not in str(known.facts["verdicts"])


def _was(verdict: str) -> Callable[[Fields, Known], bool]:
    return lambda said, known: known.facts["drift"] == verdict


JUDGES: dict[str, Callable[[Fields, Known], bool]] = {
    "trust.flagged": lambda said, known: _trusted(said, known) and said["names"] == "gaming",
    "trust.nothing": lambda said, known: _trusted(said, known) and int(said["known"]) > 0,
    "trust.not_known": lambda said, known: _trusted(said, known) and int(said["known"]) == 0,
    "trust.one": _flags(1, ("flag",)), "trust.several": _flags(2, ("flag",)),
    "trust.gamed": lambda said, known: known.facts["verdicts"] == ("ok", "flag"),
    "trust.none": _no_fault(1), "trust.none_of_any": _no_fault(2),
    **{f"drift.{verdict}": _was(verdict) for verdict in ("baseline", "unchanged", "changed", "unknown")},
    "bridge.moves": lambda said, known: np.sign(number(said["shift"])) == np.sign(known.effect) != 0,
    "bridge.unclear": lambda said, known: not_plain(known),
    "scores.one_order": lambda said, known: int(said["one_order"]) == known.facts["gaps"],
    "scores.subset": lambda said, known: int(said["scored"]) == known.facts["scored"] < int(said["whole"]),
    "scores.few": lambda said, known: int(said["n"]) < int(said["few"]),
    "scores.one_sided": _side, "scores.no_length": _side,
    "scores.one_winner": lambda said, known: close(said["won"], float(str(known.facts["won"])))
    and min(number(said["won"]), int(said["n"]) - number(said["won"])) < int(said["least"]),
}  # fmt: skip
