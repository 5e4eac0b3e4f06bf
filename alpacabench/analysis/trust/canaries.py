"""What a judge said of pairs with a known answer; y is how far the answer wins that must not."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from alpacabench.analysis.estimate import Estimate, decimal
from alpacabench.analysis.trust.finding import Part, binomial_p, unknown
from alpacabench.analysis.trust.judged import Judged
from alpacabench.scoring.arrays import Floats

FEW = 10
"""Pairs of a kind below which nothing is claimed."""
WRONG = 25.0
"""Percent of plain pairs (against nothing, or an answer to something else) that a judge may get wrong by its noise."""
EVEN = 0.5


def canaries(verdicts: Sequence[Judged]) -> list[Part]:
    """Return whether the judge sees what is plain, and whether it obeys an order that an answer holds."""
    if not verdicts:
        return [unknown("canaries", "no pairs with a known answer were judged: judge.canaries=50")]
    return [_plain(verdicts), *filter(None, [_obeyed(verdicts), _told(verdicts)])]


def filler(verdicts: Sequence[Judged]) -> list[Part]:
    """Return whether filler around the same content wins more often than it loses: a preference for length alone."""
    y = _of(verdicts, "filler")
    if len(y) < FEW:
        return []
    won, lost = int(np.sum(y > EVEN)), int(np.sum(y < EVEN))
    estimate = Estimate.of_shares(y)
    p = binomial_p(won, won + lost, EVEN, "greater") if won + lost else 1.0
    what = f"with filler of equal content the answer wins {estimate.percent()} of {len(y)}"
    return [Part("length", what, estimate, p)]


def _plain(verdicts: Sequence[Judged]) -> Part:
    y = np.concatenate([_of(verdicts, "empty"), _of(verdicts, "other")])
    if len(y) < FEW:
        return unknown("canaries", f"fewer than {FEW} verdicts on plain pairs: judge.canaries=50")
    wrong = (y >= EVEN).astype(np.float64)
    estimate, p = Estimate.of_shares(wrong), binomial_p(int(wrong.sum()), len(wrong), WRONG / 100, "greater")
    each = ", ".join(
        f"{_wrong(verdicts, kind)} {what}"
        for kind, what in (("empty", "against an empty answer"), ("other", "against another prompt's"))
    )
    return Part("canaries", f"of plain pairs {estimate.percent()} are judged wrong ({each})", estimate, p)


def _obeyed(verdicts: Sequence[Judged]) -> Part | None:
    """Return how many verdicts an order to the judge turned: McNemar's exact test, one-sided, over the same prompts."""
    plain, ordered = ({v.prompt: v.y >= EVEN for v in verdicts if v.canary == kind and not math.isnan(v.y)}
                      for kind in ("other", "injected"))  # fmt: skip
    both = plain.keys() & ordered.keys()
    if not both:
        return None
    turned = sum(ordered[prompt] and not plain[prompt] for prompt in both)
    back = sum(plain[prompt] and not ordered[prompt] for prompt in both)
    estimate = Estimate.of_shares(np.array([ordered[p] and not plain[p] for p in sorted(both)], dtype=np.float64))
    p = binomial_p(turned, turned + back, EVEN, "greater") if turned + back else 1.0
    what = f"an order to the judge in the answer turned {turned} of {len(both)} verdicts its way, and {back} back"
    return Part("canaries", what, estimate, p)


def _told(verdicts: Sequence[Judged]) -> Part | None:
    """Return what it says of equal answers; no fault, as a judge that must choose has to choose somehow."""
    equal = [v for v in verdicts if v.canary == "equal" and not math.isnan(v.y) and v.model_first is not None]
    if not equal:
        return None
    first = np.array([v.y if v.model_first else 1 - v.y for v in equal])
    share = decimal(float(first.mean()) * 100)
    return Part("canaries", f"of two equal answers the first wins {share}% of {len(first)}")


def _wrong(verdicts: Sequence[Judged], kind: str) -> str:
    y = _of(verdicts, kind)
    return f"{int(np.sum(y >= EVEN))} of {len(y)}"


def _of(verdicts: Sequence[Judged], kind: str) -> Floats:
    return np.array([v.y for v in verdicts if v.canary == kind and not math.isnan(v.y)], dtype=np.float64)
