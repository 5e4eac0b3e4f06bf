"""What a run did and cost: answers and verdicts by where they came from, tokens, dollars, seconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean

from alpacabench.core.exchange import Step
from alpacabench.core.records import Checked, Generation, Verdict


@dataclass(frozen=True)
class Usage:
    """Counts are of distinct questions; tokens and dollars are of what this run asked, not of what the store had."""

    n_generated: int
    n_generated_cached: int
    n_judged: int
    n_judged_cached: int
    prompt_tokens: int
    completion_tokens: int
    judge_prompt_tokens: int
    judge_completion_tokens: int
    cost_usd: float | None
    """None where a price is unknown."""
    full_cost_usd: float | None
    """What all answers and verdicts cost when they were made, the store's included; None where one was recorded
    elsewhere, or its price is unknown."""
    seconds_per_answer: float | None
    """Mean over all answers when they were written, the store's included; None where one was recorded elsewhere."""
    generate_seconds: float
    judge_seconds: float
    generated_tokens_per_second: float
    latency_p50_seconds: float | None
    """Of the answers that this run wrote; None where it wrote none."""
    latency_p95_seconds: float | None
    model_loads: int
    peak_memory_bytes: int
    """The most that a process of this run has held; 0 where no model was loaded."""
    n_written: int | None = None
    """Variants and checks of them that models were asked for; None where the perturbation asks no model."""
    n_written_cached: int | None = None
    writer_prompt_tokens: int | None = None
    writer_completion_tokens: int | None = None

    def metrics(self) -> dict[str, float]:
        """Return the figures by name, unknown ones left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}


UNITS = {
    "n_generated": "answers", "n_generated_cached": "answers", "n_judged": "verdicts", "n_judged_cached": "verdicts",
    "prompt_tokens": "tokens", "completion_tokens": "tokens", "judge_prompt_tokens": "tokens",
    "judge_completion_tokens": "tokens", "cost_usd": "US dollars", "full_cost_usd": "US dollars",
    "seconds_per_answer": "seconds", "generate_seconds": "seconds", "judge_seconds": "seconds",
    "generated_tokens_per_second": "tokens/s", "latency_p50_seconds": "seconds", "latency_p95_seconds": "seconds",
    "model_loads": "", "peak_memory_bytes": "bytes", "n_written": "answers", "n_written_cached": "answers",
    "writer_prompt_tokens": "tokens", "writer_completion_tokens": "tokens",
}  # fmt: skip
"""Of the figures of `Usage`."""


def usage(
    generations: Sequence[Generation], verdicts: Sequence[Verdict], generate_seconds: float, judge_seconds: float,
    model_loads: int, peak_memory_bytes: int, wordings: Sequence[Generation] = (),
    checked: Sequence[Checked] = (),
) -> Usage:  # fmt: skip
    """Add up what a run did."""
    # Recorded answers and verdicts have no key: nobody asked for them.
    # Of a conversation every step was asked for, also of one that failed later.
    steps = [one for g in generations for one in g.asked]
    answers = {one.key: one for one in steps if one.key and one.text is not None}
    judged = {v.key: v for v in verdicts if v.key and v.preference is not None}
    written = [g for g in answers.values() if not g.cached]
    asked = [v for v in judged.values() if not v.cached]
    variants = {g.key: g for g in wordings if g.key and g.text is not None}
    reworded = [g for g in variants.values() if not g.cached]
    answered_here = bool(answers) and all(one.key for one in steps)
    # Equal answers are a draw that nobody is asked for.
    judged_here = all(v.key for v in verdicts if not v.pair.equal)
    checks = {c.key: c for c in checked if c.key}
    seconds = sorted(g.seconds for g in written)
    tokens = sum(g.completion_tokens for g in written)
    return Usage(
        n_generated=len(written),
        n_generated_cached=len(answers) - len(written),
        n_judged=len(asked),
        n_judged_cached=len(judged) - len(asked),
        prompt_tokens=sum(g.prompt_tokens for g in written),
        completion_tokens=tokens,
        judge_prompt_tokens=sum(v.prompt_tokens for v in asked),
        judge_completion_tokens=sum(v.completion_tokens for v in asked),
        cost_usd=_dollars([*written, *reworded], asked, [c for c in checks.values() if not c.cached]),
        full_cost_usd=_dollars([*answers.values(), *variants.values()], judged.values(), checks.values())
        if answered_here and judged_here
        else None,
        seconds_per_answer=fmean(g.seconds for g in answers.values()) if answered_here else None,
        generate_seconds=generate_seconds,
        judge_seconds=judge_seconds,
        generated_tokens_per_second=tokens / generate_seconds if generate_seconds > 0 else 0.0,
        latency_p50_seconds=_quantile(seconds, 0.5),
        latency_p95_seconds=_quantile(seconds, 0.95),
        model_loads=model_loads,
        peak_memory_bytes=peak_memory_bytes,
        n_written=len(reworded) if wordings else None,
        n_written_cached=len(variants) - len(reworded) if wordings else None,
        writer_prompt_tokens=sum(g.prompt_tokens for g in reworded) if wordings else None,
        writer_completion_tokens=sum(g.completion_tokens for g in reworded) if wordings else None,
    )


def _dollars(
    answers: Iterable[Generation | Step], verdicts: Iterable[Verdict], checks: Iterable[Checked]
) -> float | None:
    """Return what they cost together; None where a price is unknown."""
    costs = [g.cost_usd for g in answers] + [v.cost_usd for v in verdicts] + [c.cost_usd for c in checks]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    return ordered[round(share * (len(ordered) - 1))] if ordered else None
