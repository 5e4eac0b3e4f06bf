"""What one run says, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alpacabench.analysis.decision import BEYOND_CHANCE, EVEN, HALF_POWER, side
from alpacabench.analysis.estimate import Estimate, Number, count, decimal, dollars, duration, finite
from alpacabench.core.records import Outcome
from alpacabench.report.slices import Scored, mean, metric

NOT_JUDGED = (
    "Nobody judged these answers (judge=none), so there is no win rate. To have them judged: model=recorded with "
    "model.path at this run's model_outputs.json, and a judge."
)


@dataclass(frozen=True, slots=True)
class Names:
    """Who was compared with whom, and by whom."""

    model: str
    reference: str
    judge: str
    subset: str


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure to see at a glance."""

    label: str
    value: str
    note: str = ""


def names(outcomes: Sequence[Outcome], about: Mapping[str, str]) -> Names:
    """Return the names in `about`, else those that the records carry."""
    generators = (generation.generator for outcome in outcomes for generation in outcome.generations)
    judges = (verdict.judge for outcome in outcomes for verdict in outcome.verdicts)
    references = (outcome.example.reference_generator for outcome in outcomes)
    return Names(
        about.get("model") or next(filter(None, generators), "the model"),
        about.get("reference") or next(filter(None, references), "the reference"),
        about.get("judge") or ", ".join(sorted(set(filter(None, judges)))) or "the judge",
        about.get("subset", ""),
    )


def win_rate(pairs: Sequence[Scored], metrics: Mapping[str, Number]) -> Estimate | None:
    """Return the run's win rate as `metrics` has it, else from the outcomes."""
    named = metric(metrics, "win_rate", "win_rate_ci_low", "win_rate_ci_high")
    return named or mean([score for _, score in pairs])


def length_controlled(metrics: Mapping[str, Number]) -> tuple[str, Estimate | None]:
    """Return the name and value of the length-controlled win rate, or of its variant without regularisation."""
    if regular := metric(metrics, "length_controlled_winrate", "lc_ci_low", "lc_ci_high"):
        return "Length-controlled", regular
    plain = metric(metrics, "length_controlled_winrate_noreg", "lc_ci_low_noreg", "lc_ci_high_noreg")
    return "LC, not regularised", plain


def sentences(rate: Estimate | None, metrics: Mapping[str, Number], who: Names) -> list[str]:
    """Return the findings, the most important first."""
    if not rate:
        return ["No prompt has a verdict, so there is no win rate. The failures below say why."]
    found = [_standing(rate, who)]
    label, controlled = length_controlled(metrics)
    if controlled:
        found.append(_length(rate, controlled, label, metrics.get("len_ratio_vs_baseline")))
    gap = metrics.get("position_gap")
    if finite(gap):
        found.append(_position(gap, metrics))
    detectable = metrics.get("mde_80_paired")
    if finite(detectable):
        found.append(
            f"Against a variant of this system on the same prompts, a difference of about {decimal(detectable)} points "
            f"is found with 80% power, one of {decimal(HALF_POWER * detectable)} with 50%."
        )
    return found


def _position(gap: float, metrics: Mapping[str, Number]) -> str:
    """Return the gap; it is the judge's bias only where both orders were judged and chance does not explain it."""
    error = metrics.get("position_gap_se")
    doubt = f" (standard error {decimal(error)})" if finite(error) else ""
    both = finite(metrics.get("order_consistency"))
    beyond = finite(error) and abs(gap) > BEYOND_CHANCE * error > 0
    if not beyond:
        verdict = "that may be chance."
    elif both:
        verdict = "that is the judge's position bias, not quality."
    else:
        verdict = "the judge's position bias, or prompts that happen to be harder in one place; judge.order=both tells."
    way = "higher" if gap >= 0 else "lower"
    return f"Shown second, the model's win rate is {decimal(abs(gap))} points {way} than shown first{doubt}: {verdict}"


def _standing(rate: Estimate, who: Names) -> str:
    if not rate.interval:
        return "There are too few verdicts for an interval."
    where = side(rate, EVEN)
    if where < 0:
        return f"The whole interval lies below 50%: the judge prefers {who.reference}."
    if where > 0:
        return f"The whole interval lies above 50%: the judge prefers {who.model}."
    return "The interval includes 50%: these prompts do not decide which of the two the judge prefers."


def _length(rate: Estimate, controlled: Estimate, label: str, ratio: Number) -> str:
    change = controlled.value - rate.value
    longer = f"Its answers are {decimal(ratio, 2)} times as long as the reference's. " if finite(ratio) else ""
    return (
        f"{longer}{label}, the win rate is {controlled.percent()}, "
        f"{decimal(abs(change))} points {'above' if change >= 0 else 'below'} the raw one."
    )


def tiles(pairs: Sequence[Scored], outcomes: Sequence[Outcome], metrics: Mapping[str, Number]) -> list[Tile]:
    """Return the figures to see at a glance."""
    failed = len(outcomes) - len(pairs)
    label, controlled = length_controlled(metrics)
    if any(outcome.judged for outcome in outcomes):
        found = [
            Tile("Prompts scored", count(len(pairs)), f"{count(failed)} without a score" if failed else "none failed")
        ]
    else:
        missing = sum(outcome.output is None for outcome in outcomes)
        found = [
            Tile("Answers", count(len(outcomes) - missing), f"{count(missing)} missing" if missing else "none missing")
        ]
    if controlled:
        found.append(Tile(label, f"{decimal(controlled.value)}%", f"95% {controlled.range()}"))
    if finite(consistency := metrics.get("order_consistency")):
        found.append(Tile("Order consistency", f"{decimal(consistency * 100)}%", "same winner"))
    if finite(ratio := metrics.get("len_ratio_vs_baseline")):
        found.append(Tile("Answer length", f"{decimal(ratio, 2)}×", "of the reference's"))
    if "cost_usd" in metrics:
        found.append(Tile("Cost", dollars(metrics["cost_usd"]), "answers and verdicts"))
    seconds = [metrics.get(name) for name in ("generate_seconds", "judge_seconds")]
    if any(finite(value) for value in seconds):
        total = sum(value for value in seconds if finite(value))
        found.append(Tile("Time", duration(total), "answers and verdicts"))
    return found
