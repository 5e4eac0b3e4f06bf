"""What is said of power before anything is spent: how many prompts a difference needs, and what so many find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alpacabench.analysis.power import Spread
from alpacabench.core.sentence import Sentence, every
from alpacabench.scoring.power import Claim, difference_found, prompts_needed


@dataclass(frozen=True, slots=True)
class PowerFacts:
    """A difference that is to be found, and what is known of its spread."""

    spread: Spread
    difference: float
    """In points."""
    claim: Claim
    n: int | None = None
    """Prompts at hand, where they are known."""

    def needed(self, whole: float) -> list[int]:
        """Return how many prompts are needed with each spread, and this share of it made up by whole verdicts."""
        return [prompts_needed(self.difference, value, self.claim, whole) for value in self.spread.values]

    def found(self, whole: float) -> list[float | None]:
        """Return the difference in points that the prompts at hand find, as above; None where none."""
        return [difference_found(self.n or 0, value, self.claim, whole) for value in self.spread.values]


def findings(facts: PowerFacts) -> list[str]:
    """Return how many prompts are needed, what those at hand find, and where the spread is from."""
    return every((*NEEDED, *FOUND, *SPREAD), facts)


def _known(facts: PowerFacts) -> bool:
    return facts.spread.whole is not None


def _span(values: Sequence[object]) -> str:
    return " to ".join(dict.fromkeys(map(str, values)))


def _needed(facts: PowerFacts) -> dict[str, str]:
    comparisons, whole = facts.claim.comparisons, facts.spread.whole
    return {
        "difference": f"{facts.difference:g}", "comparisons": f"{comparisons} comparison{'s' * (comparisons != 1)}",
        "whole": _span(facts.needed(1.0 if whole is None else whole)), "soft": _span(facts.needed(0.0)),
        "power": f"{facts.claim.power:.0%}",
    }  # fmt: skip


def _sizes(facts: PowerFacts) -> list[float]:
    shares = (1.0, 0.0) if facts.spread.whole is None else (facts.spread.whole,)
    return sorted(size for share in shares for size in facts.found(share) if size is not None) if facts.n else []


def _found(facts: PowerFacts) -> dict[str, object]:
    sizes = _sizes(facts)
    return {"n": facts.n, "sizes": _span([f"{size:.1f}" for size in (sizes[0], sizes[-1])])}


NEEDED: tuple[Sentence[PowerFacts], ...] = (
    Sentence(
        "power.needed",
        "Power: a difference of {difference} points after {comparisons} needs {whole} prompts to be found with a "
        "chance of {power}.",
        when=_known, fields=_needed,
    ),
    Sentence(
        "power.needed_by_kind",
        "Power: a difference of {difference} points after {comparisons} needs {whole} prompts where verdicts are won "
        "or lost whole, {soft} where they are soft, to be found with a chance of {power}.",
        when=lambda facts: not _known(facts), fields=_needed,
    ),
)  # fmt: skip
FOUND: tuple[Sentence[PowerFacts], ...] = (
    Sentence("power.found", "{n} prompts find {sizes} points.", when=lambda facts: bool(_sizes(facts)), fields=_found),
    Sentence(
        "power.found_none", "{n} prompts find no difference.",
        when=lambda facts: facts.n is not None and not _sizes(facts), fields=lambda facts: {"n": facts.n},
    ),
)  # fmt: skip


def _pairs(facts: PowerFacts) -> dict[str, str]:
    pairs, whole = facts.spread.n_pairs, facts.spread.whole or 0.0
    return {
        "spread": f"{facts.spread.values[0]:.0f}", "whole": f"{whole:.0%}",
        "pairs": f"{pairs} pair{'s' * (pairs != 1)} of earlier runs",
    }  # fmt: skip


SPREAD: tuple[Sentence[PowerFacts], ...] = (
    Sentence(
        "power.spread_seen",
        "The paired difference varies by {spread} points over prompts, {whole} of it by whole verdicts: the median of "
        "{pairs}.",
        when=lambda facts: facts.spread.n_pairs > 0, fields=_pairs,
    ),
    Sentence(
        "power.spread_given", "The paired difference varies by {spread} points over prompts, as given.",
        when=lambda facts: not facts.spread.n_pairs and len(facts.spread.values) == 1, fields=_pairs,
    ),
    Sentence(
        "power.spread_assumed",
        "No two earlier runs tell how much the paired difference varies; assumed: {low} points, as between "
        "variants of a system that wins 10%, to {high}, as of one that wins 60%.",
        when=lambda facts: not facts.spread.n_pairs and len(facts.spread.values) > 1,
        fields=lambda facts: {"low": f"{facts.spread.values[0]:.0f}", "high": f"{facts.spread.values[-1]:.0f}"},
    ),
)  # fmt: skip
