"""The explorer of a run that has just been made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alpacabench.analysis.explorer.content import Answered, Explorer, Flag, Row
from alpacabench.checks.masking import mask_flagged
from alpacabench.core.records import Outcome
from alpacabench.dataset.taxonomy import label


def of_outcomes(
    outcomes: Sequence[Outcome], name: str, reference: str, judge: str, links: Mapping[str, str]
) -> Explorer:
    """Return what the page of one run shows."""
    masked = [mask_flagged(outcome) for outcome in outcomes]
    checks = dict.fromkeys(one.check for outcome in masked for one in outcome.checked)
    return Explorer(name, [name], reference, judge, [_row(outcome) for outcome in masked], 0, list(checks), links)


def _row(outcome: Outcome) -> Row:
    example = outcome.example
    category = example.category or label(example.instruction)
    return Row(example.index, example.instruction, example.reference, example.source, category, (_answered(outcome),))


def _answered(outcome: Outcome) -> Answered:
    texts = tuple(g.text or "" for g in outcome.generations)
    verdicts = tuple((v.model_first, _score(v.preference)) for v in outcome.verdicts)
    return Answered(
        score=_score(outcome.preference),
        texts=texts,
        length=sum(map(len, texts)) / len(texts) if texts else None,
        finish_reason=(outcome.generations[0].finish_reason or "") if outcome.generations else "",
        failure=outcome.failure or "",
        verdicts=verdicts,
        flags=tuple(
            Flag(one.check, found.rule, found.message, one.sample, found.start, found.end)
            for one in outcome.checked
            for found in one.findings
        ),
        shown=None if outcome.prompt.text == outcome.example.instruction else outcome.prompt.text,
    )


def _score(preference: float | None) -> float | None:
    return None if preference is None else (preference - 1) * 100
