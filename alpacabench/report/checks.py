"""What the checks found, as the page of a run shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alpacabench.analysis.estimate import Estimate, Number
from alpacabench.core.records import Finding, Outcome
from alpacabench.report.slices import metric

MAX_FLAGS = 50
"""Of one check; the others are in checks.jsonl."""
AROUND = 60
"""Characters before and after a span."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One finding with what stands around it."""

    index: int
    sample: int
    rule: str
    message: str
    before: str = ""
    span: str = ""
    """As it may be shown: the answer's spans of private checks are masked."""
    after: str = ""


@dataclass(frozen=True, slots=True)
class CheckCard:
    """One check of a run."""

    name: str
    rate: Estimate | None
    n: int
    flags: tuple[Flag, ...]
    more: int
    """Findings that are not shown."""


def check_cards(outcomes: Sequence[Outcome], metrics: Mapping[str, Number]) -> list[CheckCard]:
    """Return a card for each check of the run; the outcomes are masked already."""
    names = dict.fromkeys(one.check for outcome in outcomes for one in outcome.checked)
    return [_card(name, outcomes, metrics) for name in names]


def _card(name: str, outcomes: Sequence[Outcome], metrics: Mapping[str, Number]) -> CheckCard:
    found = [
        (outcome, one.sample, finding)
        for outcome in outcomes
        for one in outcome.checked
        if one.check == name
        for finding in one.findings
    ]
    ends = (f"violation_rate_ci_{end}/{name}" for end in ("low", "high"))
    return CheckCard(
        name,
        metric(metrics, f"violation_rate/{name}", *ends),
        int(metrics.get(f"n_checked/{name}") or 0),
        tuple(_flag(*one) for one in found[:MAX_FLAGS]),
        max(len(found) - MAX_FLAGS, 0),
    )


def _flag(outcome: Outcome, sample: int, finding: Finding) -> Flag:
    text = next((g.text for g in outcome.generations if g.sample == sample), None) or ""
    if finding.start is None or finding.end is None:
        return Flag(outcome.example.index, sample, finding.rule, finding.message)
    start, end = finding.start, finding.end
    return Flag(
        outcome.example.index, sample, finding.rule, finding.message,
        text[max(start - AROUND, 0) : start], text[start : min(end, start + 2 * AROUND)], text[end : end + AROUND],
    )  # fmt: skip
