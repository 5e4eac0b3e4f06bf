"""Findings on judges in plain words, for the pages that show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alpacabench.analysis.estimate import Estimate, count, decimal, p_value
from alpacabench.analysis.trust.agreement import Replacement
from alpacabench.analysis.trust.calibration import Temperature
from alpacabench.analysis.trust.corrected import Corrected
from alpacabench.analysis.trust.finding import Finding
from alpacabench.analysis.trust.summary import line
from alpacabench.analysis.trust.trust import JudgeTrust

WORDS = {"ok": "OK", "flag": "Flagged", "unknown": "Not known"}
QUESTIONS = {
    "position": "Does the place decide?", "order": "Do both orders agree?",
    "repeats": "Does it stay the same?", "length": "Does length decide?",
    "family": "Does it prefer its own family?", "unreadable": "Can its verdicts be read?",
    "canaries": "Does it see what is plain?", "gaming": "Was the score earned?",
    "agreement": "Do people agree?", "calibration": "Is its certainty worth what it says?",
}  # fmt: skip
METHODS = {"rogan_gladen": "sensitivity and specificity", "prediction_powered": "prediction-powered"}


@dataclass(frozen=True, slots=True)
class Row:
    """One finding as it is shown."""

    name: str
    question: str
    verdict: str
    word: str
    evidence: str
    p: str


@dataclass(frozen=True, slots=True)
class Card:
    """One judge's findings as they are shown."""

    judge: str
    line: str
    flagged: bool
    rows: tuple[Row, ...]
    people: Mapping[str, str] = field(default_factory=dict)
    reliability: tuple[tuple[str, ...], ...] = ()


def cards(found: Sequence[JudgeTrust]) -> list[Card]:
    """Return one card for each judge."""
    return [
        Card(
            one.judge,
            line(one.findings),
            any(finding.verdict == "flag" for finding in one.findings),
            tuple(map(_row, one.findings)),
            _people(one.people),
            _reliability(one.people.get("temperature")),
        )
        for one in found
    ]


def _row(finding: Finding) -> Row:
    evidence = f"{finding.evidence[:1].upper()}{finding.evidence[1:]}."
    told = finding.verdict == "flag" and finding.p_value is not None
    p = f"{p_value(finding.p_value)}, adjusted for all questions" if told else ""
    return Row(finding.name, QUESTIONS[finding.name], finding.verdict, WORDS[finding.verdict], evidence, p)


def _people(figures: Mapping[str, Any]) -> dict[str, str]:
    if not figures:
        return {}
    found = {"Labels": f"{count(figures['n_labelled'])} prompts, {count(figures['n_labellers'])} people"}
    rate: Corrected | None = figures["corrected"]
    if rate:
        low, high = (decimal(100 * end) for end in (rate.low, rate.high))
        found["Win rate corrected for the judge's errors"] = (
            f"{decimal(100 * rate.rate)}% ({low} to {high}), by {METHODS[rate.method]}; it supposes that the labelled "
            "prompts were drawn at random"
        )
    for title, value in (("Kappa with the judge", figures["kappa_with_judge"]),
                         ("Krippendorff's alpha among people", figures["alpha_among_people"]),
                         *((f"Kappa {pair}", value) for pair, value in figures["kappa_between"].items())):  # fmt: skip
        if isinstance(value, Estimate):
            found[title] = value.text(2)
    replaced: Replacement | None = figures["alternative_annotator"]
    if replaced:
        verdict = "yes" if replaced.passes else "not shown"
        found["May it stand in for a person?"] = (
            f"{verdict}: it does not fall short of {decimal(100 * replaced.winning_rate, 0)}% of them by more than "
            f"{replaced.epsilon:g}"
        )
    return found


def _reliability(fitted: Temperature | None) -> tuple[tuple[str, ...], ...]:
    if fitted is None:
        return ()
    return tuple(
        (f"{row.low:.1f} to {row.high:.1f}", count(row.n), decimal(row.mean_p, 2), decimal(row.won, 2))
        for row in fitted.before.table
        if row.n
    )
