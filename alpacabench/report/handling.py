"""What answers do with a prompt in which something is missing or contradicts itself, told by their words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from alpacabench.analysis.compare.reasons import refuses
from alpacabench.analysis.estimate import Estimate
from alpacabench.core.records import Outcome
from alpacabench.report.slices import share

ASKS = re.compile(
    r"\b((could|can|would) you (please )?(clarify|provide|specify|confirm|share|tell|complete|let me know)|"
    r"please (clarify|provide|specify|share|complete|let me know)|which (one|of (these|them|the two)) (do|would) you|"
    r"do you (mean|want)|what (exactly )?(would you like|do you mean)|let me know (which|what|if you))\b",
    re.IGNORECASE,
)
NAMES = re.compile(
    r"\b(contradict\w*|conflicting|incompatible|mutually exclusive|(is|are|seems?|appears?) (to be )?"
    r"(incomplete|cut off|unfinished|missing|ambiguous|unclear)|(you|your \w+) (did not|didn't|haven't|has not) "
    r"(provide|include|finish|complete)\w*|without (more|further|the (full|missing)))\b",
    re.IGNORECASE,
)
ASSUMES = re.compile(r"\b(i('ll| will| am going to)? assum(e|ing)|assuming (that|you))\b", re.IGNORECASE)
WAYS = ("asks back", "names the fault", "says what it assumes", "refuses", "answers without a word about it")


@dataclass(frozen=True, slots=True)
class Handling:
    """How the changed prompts were answered."""

    expectation: str
    rows: tuple[tuple[str, int, Estimate], ...]
    """Way, answers, and their share in percent; the shares add up."""
    n: int


def way_of(text: str) -> str:
    """Return the first way that an answer's words show, of `WAYS`."""
    if refuses(text) and not ASKS.search(text):
        return WAYS[3]
    found = (way for way, words in zip(WAYS, (ASKS, NAMES, ASSUMES), strict=False) if words.search(text))
    return next(found, WAYS[-1])


def handling(outcomes: Sequence[Outcome], expectation: str) -> Handling | None:
    """Return how the prompts that were changed were answered; None where nothing is expected of them."""
    changed = [outcome for outcome in outcomes if not outcome.prompt.unchanged and outcome.output]
    if not expectation or not changed:
        return None
    counts = Counter(way_of(outcome.output or "") for outcome in changed)
    return Handling(
        expectation, tuple((way, counts[way], share(counts[way], len(changed))) for way in WAYS), len(changed)
    )
