"""What the page of one run shows at a glance, and what its sentences rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alpacabench.analysis.estimate import Estimate, Number, count, decimal, dollars, duration, finite
from alpacabench.analysis.sentences.run import RunFacts
from alpacabench.core.records import Outcome
from alpacabench.report.slices import Scored, mean, metric, slots


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


def facts(pairs: Sequence[Scored], metrics: Mapping[str, Number], who: Names, judged: bool = True) -> RunFacts:
    """Return what the sentences of the run rest on."""
    label, controlled = length_controlled(metrics)
    return RunFacts(
        who.model, who.reference, win_rate(pairs, metrics), [score for _, score in pairs], metrics, controlled, label,
        slots([outcome for outcome, _ in pairs]), judged,
    )  # fmt: skip


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
    if finite(success := metrics.get("task_success")):
        low, high = metrics["task_success_ci_low"], metrics["task_success_ci_high"]
        found.append(Tile("Task success", f"{decimal(success)}%", f"95% {decimal(low)} to {decimal(high)}"))
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
