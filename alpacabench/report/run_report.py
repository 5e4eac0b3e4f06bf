"""`report.html`: one run on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alpacabench.analysis.compare.answer_kind import UNKNOWN, answer_kind, prompt_language
from alpacabench.analysis.estimate import Estimate, Number
from alpacabench.analysis.sentences import run
from alpacabench.analysis.trust.trust import JudgeTrust
from alpacabench.checks.masking import mask_flagged
from alpacabench.core.records import Outcome
from alpacabench.dataset.taxonomy import tags
from alpacabench.report import run_figures, run_words, trust_words
from alpacabench.report.checks import check_cards
from alpacabench.report.handling import handling
from alpacabench.report.page import Figure, write_page
from alpacabench.report.rubric import rubric
from alpacabench.report.slices import Scored, scored
from alpacabench.report.tool_use import tool_use

EXTREMES = 6
MAX_FAILURES = 50
COSTS = (
    ("Answers generated", "n_generated", "count"),
    ("… of them from the store", "n_generated_cached", "count"),
    ("Verdicts", "n_judged", "count"),
    ("… of them from the store", "n_judged_cached", "count"),
    ("Model: prompt tokens", "prompt_tokens", "count"),
    ("Model: answer tokens", "completion_tokens", "count"),
    ("Judge: prompt tokens", "judge_prompt_tokens", "count"),
    ("Judge: answer tokens", "judge_completion_tokens", "count"),
    ("Time generating", "generate_seconds", "duration"),
    ("Time judging", "judge_seconds", "duration"),
    ("Generated tokens per second", "generated_tokens_per_second", "decimal"),
    ("Model loads", "model_loads", "count"),
    ("Cost", "cost_usd", "dollars"),
)
"""Label, metric and the filter that writes it."""


@dataclass(frozen=True, slots=True)
class Health:
    """What may be wrong with the answers themselves."""

    truncated: int
    empty: int
    failed: int
    total: int


def write_run_report(
    path: Path | str,
    outcomes: Sequence[Outcome],
    metrics: Mapping[str, Number],
    about: Mapping[str, str],
    warnings: Sequence[str] = (),
    pages: Mapping[str, str] | None = None,
    trust: Sequence[JudgeTrust] = (),
) -> Path:
    """Write the page of one run; needs no network to be read.

    `metrics` is `metrics.json`. `about` are facts to list as they are; its keys `model`, `reference`, `judge`,
    `subset`, `expectation` and `name` are also used in the headline, where present. `pages` are links: word to address.
    """
    outcomes = [mask_flagged(outcome) for outcome in outcomes]
    pairs, judged = scored(outcomes), not outcomes or any(outcome.judged for outcome in outcomes)
    rate = run_words.win_rate(pairs, metrics)
    who = run_words.names(outcomes, about)
    by_score = [pair[0] for pair in sorted(pairs, key=lambda pair: (pair[1], pair[0].example.index))]
    return write_page(
        path,
        "run.html",
        title=f"{who.model} against {who.reference}" if judged else f"Answers of {who.model}",
        judged=judged,
        name=about.get("name", ""),
        who=who,
        rate=rate,
        n=len(pairs),
        sentences=run.findings(run_words.facts(pairs, metrics, who, judged)),
        tiles=run_words.tiles(pairs, outcomes, metrics),
        rates=run_figures.rates(rate, metrics) if rate else None,
        overview=_overview(pairs),
        breakdown=_breakdown(pairs, rate),
        worst=by_score[: min(EXTREMES, len(by_score) // 2)],
        best=by_score[::-1][: min(EXTREMES, (len(by_score) + 1) // 2)],
        failures=[outcome for outcome in outcomes if outcome.failure],
        max_failures=MAX_FAILURES,
        health=health(outcomes),
        checks=check_cards(outcomes, metrics),
        tools=tool_use(outcomes, metrics),
        rubric=rubric(outcomes),
        handling=handling(outcomes, about.get("expectation", "")),
        costs=[(label, filter_, metrics[key]) for label, key, filter_ in COSTS if metrics.get(key) is not None],
        metrics=sorted(metrics.items()),
        about=about,
        warnings=warnings,
        pages=pages or {},
        trust=trust_words.cards(trust),
    )


def health(outcomes: Sequence[Outcome]) -> Health:
    """Count the answers that were cut off, are empty, or failed."""
    answers = [generation for outcome in outcomes for generation in outcome.generations]
    return Health(
        truncated=sum(answer.finish_reason == "length" for answer in answers),
        empty=sum(answer.text is not None and not answer.text.strip() for answer in answers),
        failed=sum(answer.text is None for answer in answers),
        total=len(answers),
    )


def _overview(pairs: Sequence[Scored]) -> list[Figure]:
    if not pairs:
        return []
    figures = [run_figures.certainty(pairs), run_figures.verdicts(pairs), run_figures.position(pairs)]
    return [figure for figure in figures if figure]


def _breakdown(pairs: Sequence[Scored], rate: Estimate | None) -> list[Figure]:
    if not rate or not pairs:
        return []
    overlap = " A prompt may be in several."
    figures = [
        run_figures.slice_figure("answer", "By kind of answer", pairs, rate, _kind),
        run_figures.slice_figure("source", "By source", pairs, rate, lambda outcome: [outcome.example.source]),
        run_figures.length(pairs),
        run_figures.slice_figure("category", "By category", pairs, rate, lambda outcome: [outcome.example.category]),
        run_figures.slice_figure(
            "structure", "By structure of the prompt", pairs, rate, lambda o: tags(o.example.instruction), overlap
        ),
        _languages(pairs, rate),
    ]
    return [figure for figure in figures if figure]


def _kind(outcome: Outcome) -> list[str]:
    finish = outcome.generations[0].finish_reason if outcome.generations else None
    return [answer_kind(outcome.output, finish, outcome.example.instruction)]


def _languages(pairs: Sequence[Scored], rate: Estimate) -> Figure | None:
    """Draw the slices by language where there is more than one."""
    found = {prompt_language(outcome.example.instruction) for outcome, _ in pairs} - {UNKNOWN}
    if len(found) < 2:
        return None
    note = " Told by the prompt's words; too few words tell none."
    return run_figures.slice_figure(
        "language", "By language of the prompt", pairs, rate, lambda o: [prompt_language(o.example.instruction)], note
    )
