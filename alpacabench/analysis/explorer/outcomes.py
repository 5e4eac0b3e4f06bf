"""The explorer of a run that has just been made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alpacabench.analysis.explorer.content import Answered, Explorer, Flag, Row
from alpacabench.checks.masking import mask_flagged
from alpacabench.core.conversation import is_conversation, of_steps, of_turns
from alpacabench.core.records import Finding, Outcome
from alpacabench.dataset.taxonomy import label
from alpacabench.scoring.turns import answer_length


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
    told = of_turns(example.turns, example.references) if len(example.references) > 1 else None
    reference, parts = (told.text, told.parts) if told else (example.reference, ())
    answered = (_answered(outcome),)
    return Row(example.index, example.instruction, reference, example.source, category, answered, parts)


def _answered(outcome: Outcome) -> Answered:
    told = {g.sample: of_steps(g.steps) for g in outcome.generations if is_conversation(g.steps)}
    texts = tuple(told[g.sample].text if g.sample in told else g.text or "" for g in outcome.generations)
    # A check's findings are of the last answer.
    moved = {sample: found.answer[0] for sample, found in told.items()}
    verdicts = tuple((v.model_first, _score(v.preference)) for v in outcome.verdicts)
    return Answered(
        score=_score(outcome.preference),
        texts=texts,
        length=answer_length(outcome) if any(g.text is not None for g in outcome.generations) else None,
        finish_reason=(outcome.generations[0].finish_reason or "") if outcome.generations else "",
        failure=outcome.failure or "",
        verdicts=verdicts,
        flags=tuple(
            Flag(one.check, found.rule, found.message, one.sample, *_at(found, moved.get(one.sample, 0)))
            for one in outcome.checked
            for found in one.findings
        ),
        parts=tuple(told[g.sample].parts if g.sample in told else () for g in outcome.generations) if told else (),
        shown=None if outcome.prompt.seen == outcome.example.instruction else outcome.prompt.seen,
    )


def _at(found: Finding, moved: int) -> tuple[int | None, int | None]:
    """Return a finding's span where the answer begins further behind."""
    start, end = found.start, found.end
    return (None, None) if start is None or end is None else (start + moved, end + moved)


def _score(preference: float | None) -> float | None:
    return None if preference is None else (preference - 1) * 100
