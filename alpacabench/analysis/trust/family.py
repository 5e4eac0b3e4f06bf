"""Whether a judge prefers the answers of its own family: what it gives them beyond what other judges give them.

A judge alone cannot show it: its family's answers may be the better ones. Where other judges have judged the same
answers, the excess over them is known, and where all have judged another model's answers, too, the double difference
(A by A - A by B) - (B by A - B by B), from which a judge's kindness to everybody is taken out (MEASUREMENT 4.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from alpacabench.analysis.estimate import Estimate
from alpacabench.analysis.trust.families import family_of
from alpacabench.analysis.trust.finding import FEW, Part, unknown
from alpacabench.scoring.arrays import Floats
from alpacabench.scoring.small_sample import mean_of, sign_flip_p_below

KINDER = 10.0
"""Points of an excess over other judges that say nothing of the family: twice the 3 to 5 by which published judges
differ on the same answers where none judges its own (MEASUREMENT 4.1)."""
ByPrompt = Mapping[str, float]


@dataclass(frozen=True)
class Rates:
    """What judges gave models: y by instruction, of each model and judge."""

    y: dict[tuple[str, str], ByPrompt] = field(default_factory=dict)
    judges: dict[str, str | None] = field(default_factory=dict)
    """The family of each judge."""
    models: dict[str, str | None] = field(default_factory=dict)

    def add(self, model: str, family: str | None, judge: str, judges_family: str | None, y: ByPrompt) -> None:
        """Add one judge's verdicts on one model."""
        self.y[model, judge] = y
        self.judges[judge], self.models[model] = judges_family, family


def model_of(judge: str, models: Mapping[str, str]) -> str:
    """Return the model behind a judge's label, which begins with its name; empty where it is not told."""
    named = [name for name in models if judge == name or judge.startswith((f"{name}:", f"{name}["))]
    return models[max(named, key=len)] if named else ""


def family(rates: Rates, model: str, reference: str, judge: str, people: ByPrompt) -> Part:
    """Return the finding on one judge of one model.

    Args:
        rates: of all runs at hand.
        model: whose answers are looked at.
        reference: who wrote the other answers.
        judge: who judges.
        people: y by instruction, where there are labels.

    """
    own, models, references = rates.judges.get(judge), rates.models.get(model), family_of(reference)
    if own is None or models is None:
        return unknown("family", "the names do not tell the families of judge and model")
    if (own == models) == (own == references):
        which = "both answers are" if own == models else "neither answer is"
        return Part("family", f"{which} of the judge's family ({own}), so that it has none to prefer", settled=True)
    others = [b for b, of in rates.judges.items() if of not in (own, None)]
    if own == models and (found := _double(rates, model, judge, own, others)) is not None and len(found) >= FEW:
        estimate = Estimate.of_differences(found, reach=200.0)
        p = max(1 - mean_of(found, reach=200.0).chance_above(0.0), sign_flip_p_below(-found))
        what = f"it gives its own family ({own}) {estimate.text(signed=True)} points more than other judges do, beyond "
        return Part("family", f"{what}what it gives another family's model more than they do", estimate, p)
    return _single(rates, model, judge, own, others, people, whose=own == models)


def _single(
    rates: Rates, model: str, judge: str, own: str, others: Sequence[str], people: ByPrompt, whose: bool
) -> Part:
    """Return the excess over other judges, and people, on the same answers, against the bound."""
    mine = rates.y.get((model, judge), {})
    theirs = [rates.y[model, b] for b in others if (model, b) in rates.y] + ([people] if people else [])
    excess = _over(mine, theirs) * (100 if whose else -100)
    who = "the model" if whose else "the reference"
    if len(excess) < FEW:
        why = (
            f"whether it prefers {who} of its own family ({own}), or whether those answers are the better ones, its "
            "own verdicts cannot tell; labels of people, judge=panel, or runs under another family's judge can"
        )
        return unknown("family", why)
    estimate = Estimate.of_differences(excess)
    p = 1 - mean_of(excess).chance_above(KINDER)
    what = f"it gives {who} of its own family ({own}) {estimate.text(signed=True)} points more than others do"
    return Part("family", f"{what} on the same answers; up to {KINDER:g} may be kindness", estimate, p)


def _double(rates: Rates, model: str, judge: str, own: str, others: Sequence[str]) -> Floats | None:
    """Return the double difference in points by prompt, the mean over other models and judges; None without any."""
    found = []
    for rival, other in product([m for m, of in rates.models.items() if of not in (own, None)], others):
        cells = [rates.y.get(cell) for cell in ((model, judge), (model, other), (rival, judge), (rival, other))]
        if all(cells):
            shared = set.intersection(*(set(cell or {}) for cell in cells))
            found.append({i: _of(cells[0], i) - _of(cells[1], i) - _of(cells[2], i) + _of(cells[3], i) for i in shared})
    if not found:
        return None
    return np.array([100 * float(np.mean([f[i] for f in found if i in f])) for i in sorted(set().union(*found))])


def _over(mine: ByPrompt, theirs: Sequence[ByPrompt]) -> Floats:
    known = [(y, [of[i] for of in theirs if i in of]) for i, y in sorted(mine.items())]
    return np.array([y - float(np.mean(others)) for y, others in known if others])


def _of(cell: ByPrompt | None, instruction: str) -> float:
    return (cell or {})[instruction]
