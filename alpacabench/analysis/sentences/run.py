"""What one run shows: which of the two the judge prefers, what length does, and what the place in its prompt does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alpacabench.analysis.decision import BEYOND_CHANCE, FEW_PROMPTS, HALF_POWER, differs, preferred
from alpacabench.analysis.estimate import Estimate, Number, decimal, finite
from alpacabench.core.sentence import Sentence, every, first

if TYPE_CHECKING:
    from alpacabench.scoring.arrays import Floats


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What the sentences of a run rest on."""

    model: str
    reference: str
    rate: Estimate | None
    scores: Sequence[float]
    """Of the prompts with a verdict, in percent."""
    metrics: Mapping[str, Number]
    lc: Estimate | None = None
    lc_label: str = ""
    slots: tuple[Floats, Floats] | None = None
    """Preference of each prompt with the model shown first, and second; NaN where it was not judged so."""
    judged: bool = True
    """Whether anybody was to judge."""

    @property
    def preferred(self) -> int:
        """1 where the judge is shown to prefer the model, -1 where the reference."""
        return preferred(self.rate, self.scores) if self.rate else 0

    @property
    def saturated(self) -> bool:
        """Whether every verdict is the same."""
        from alpacabench.scoring.saturation import saturated

        return saturated([score / 100 for score in self.scores])

    @property
    def gap(self) -> float:
        """Win rate shown second minus shown first, in points; NaN where it is not known."""
        found = self.metrics.get("position_gap")
        return found if finite(found) else float("nan")

    @property
    def both_orders(self) -> bool:
        """Whether the gap is of the same prompts in both orders."""
        return finite(self.metrics.get("order_consistency"))

    @property
    def gap_beyond_chance(self) -> bool:
        """Whether the gap is beyond two standard errors, and the exact test finds it, too."""
        from alpacabench.scoring.win_rate import slot_p

        error = self.metrics.get("position_gap_se")
        far = finite(error) and abs(self.gap) > BEYOND_CHANCE * error
        return far and self.slots is not None and differs(slot_p(*self.slots))

    @property
    def spans(self) -> bool:
        """Whether the interval holds 50%."""
        low, high = (self.rate and self.rate.interval) or (0.0, 0.0)
        return low <= 50 <= high


def findings(facts: RunFacts) -> list[str]:
    """Return what the run shows, the most important first."""
    if not facts.judged:
        return every(NOT_JUDGED, facts)
    parts = ([first(STANDING, facts)], every(LENGTH, facts), [first(PLACE, facts)], every(POWER, facts))
    return [sentence for part in parts for sentence in part if sentence]


def _interval(facts: RunFacts) -> bool:
    return bool(facts.rate and facts.rate.interval)


def _gap(facts: RunFacts) -> dict[str, str]:
    error = facts.metrics.get("position_gap_se")
    return {
        "gap": decimal(abs(facts.gap)),
        "way": "higher" if facts.gap > 0 else "lower",
        "doubt": f" (standard error {decimal(error)})" if finite(error) else "",
    }


SHOWN_SECOND = "Shown second, the model's win rate is {gap} points {way} than shown first{doubt}: "

NOT_JUDGED: tuple[Sentence[RunFacts], ...] = (
    Sentence(
        "run.not_judged",
        "Nobody judged these answers (judge=none), so there is no win rate. To have them judged: model=recorded with "
        "model.path at this run's model_outputs.json, and a judge.",
        when=lambda run: not run.judged,
    ),
)  # fmt: skip
STANDING: tuple[Sentence[RunFacts], ...] = (
    Sentence(
        "run.no_verdict", "No prompt has a verdict, so there is no win rate. The failures below say why.",
        when=lambda run: run.rate is None,
    ),
    Sentence(
        "run.no_interval", "There are too few verdicts for an interval.", when=lambda run: not _interval(run)
    ),
    Sentence(
        "run.reference", "The whole interval lies below 50%: the judge prefers {reference}.",
        when=lambda run: run.preferred < 0, fields=lambda run: {"reference": run.reference}, error=0.05,
    ),
    Sentence(
        "run.model", "The whole interval lies above 50%: the judge prefers {model}.",
        when=lambda run: run.preferred > 0, fields=lambda run: {"model": run.model}, error=0.05,
    ),
    Sentence(
        "run.undecided",
        "The interval includes 50%: these prompts do not decide which of the two the judge prefers.",
        when=lambda run: run.spans,
    ),
    Sentence(
        "run.too_few",
        "The interval lies on one side of 50%, but an exact test does not confirm it: these prompts do not decide "
        "which of the two the judge prefers.",
        when=lambda run: not run.spans and not run.preferred,
    ),
)  # fmt: skip
LENGTH: tuple[Sentence[RunFacts], ...] = (
    Sentence(
        "run.length", "{longer}{label}, the win rate is {rate}, {change} points {way} the raw one.",
        when=lambda run: bool(run.rate and run.lc),
        fields=lambda run: _length(run),
    ),
)  # fmt: skip
PLACE: tuple[Sentence[RunFacts], ...] = (
    Sentence(
        "run.no_gap", "The model's win rate is the same shown first and shown second.",
        when=lambda run: run.gap == 0,
    ),
    Sentence(
        "run.gap_bias", SHOWN_SECOND + "that is the judge's position bias, not quality.",
        when=lambda run: run.gap_beyond_chance and run.both_orders, fields=_gap, error=0.05,
    ),
    Sentence(
        "run.gap_prompts",
        SHOWN_SECOND
        + "the judge's position bias, or prompts that happen to be harder in one place; judge.order=both tells.",
        when=lambda run: run.gap_beyond_chance and not run.both_orders, fields=_gap, error=0.05,
    ),
    Sentence(
        "run.gap_chance", SHOWN_SECOND + "that may be chance.",
        when=lambda run: finite(run.gap) and not run.gap_beyond_chance, fields=_gap,
    ),
)  # fmt: skip
POWER: tuple[Sentence[RunFacts], ...] = (
    Sentence(
        "run.power",
        "Against a variant of this system on the same prompts, as close as variants usually are, a difference of about "
        "{size} points is found with 80% power, one of {half} with 50%.",
        when=lambda run: _detectable(run) is not None,
        fields=lambda run: _sizes(_detectable(run)),
    ),
)


def _length(facts: RunFacts) -> dict[str, str]:
    assert facts.rate and facts.lc
    ratio, change = facts.metrics.get("len_ratio_vs_baseline"), facts.lc.value - facts.rate.value
    longer = f"Its answers are {decimal(ratio, 2)} times as long as the reference's. " if finite(ratio) else ""
    way = "above" if change >= 0 else "below"
    return {
        "longer": longer, "label": facts.lc_label, "rate": facts.lc.percent(), "change": decimal(abs(change)),
        "way": way,
    }  # fmt: skip


def _detectable(facts: RunFacts) -> float | None:
    found = facts.metrics.get("mde_80_paired")
    if not finite(found) or not 0 < found < 100 or facts.saturated or len(facts.scores) < FEW_PROMPTS:
        return None
    return found


def _sizes(found: float | None) -> dict[str, str]:
    return {"size": decimal(found), "half": decimal(HALF_POWER * (found or 0))}
