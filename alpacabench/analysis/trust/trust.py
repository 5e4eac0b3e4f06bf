"""The trust report of a run: findings for each of its judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any

import numpy as np

from alpacabench.analysis.finished_run import FinishedRun
from alpacabench.analysis.trust.biases import biases
from alpacabench.analysis.trust.canaries import canaries, filler
from alpacabench.analysis.trust.families import family_of
from alpacabench.analysis.trust.family import ByPrompt, Rates, family, model_of
from alpacabench.analysis.trust.finding import Finding, Part, decide, unknown
from alpacabench.analysis.trust.gaming import gaming
from alpacabench.analysis.trust.judged import ByJudge, Judged, by_judge, canaries_by_judge, means
from alpacabench.analysis.trust.labels import majority, people_findings, read_labels
from alpacabench.analysis.trust.steadiness import repeats
from alpacabench.scoring.arrays import Floats

PEOPLE = ("agreement", "calibration")
NAMES = (
    "position", "order", "repeats", "length", "family", "unreadable", "canaries", "gaming", "agreement", "calibration"
)  # fmt: skip
"""Of the findings, in their order."""


@dataclass(frozen=True)
class JudgeTrust:
    """What was found of one judge."""

    judge: str
    findings: tuple[Finding, ...]
    people: dict[str, Any] = field(default_factory=dict)
    """Figures from labels; empty without any."""


def trust(
    run: FinishedRun,
    labels: Sequence[str] = (),
    tracking_uri: str | None = None,
    others: Sequence[FinishedRun] = (),
    judged: tuple[ByJudge, ByJudge] | None = None,
) -> list[JudgeTrust]:
    """Return the findings of each judge of a run, the members of a panel one by one.

    Args:
        run: the run.
        labels: files of people's labels.
        tracking_uri: where MLflow runs are.
        others: further runs, whose judges and models show what a judge's family is worth to it.
        judged: verdicts and those on canaries, where they are at hand; None reads the run's files.

    Raises:
        DataError: a verdict or a label that cannot be used; names the file and the row.

    """
    people = read_labels(labels, run) if labels else {}
    verdicts, known = judged or (by_judge(run, tracking_uri), canaries_by_judge(run, tracking_uri))
    rates, screened = _rates(run, verdicts), gaming(run)
    for other in others:
        if other.origin != run.origin:
            _add(rates, other, by_judge(other, tracking_uri))
    said = _by_instruction(run, majority(np.stack(list(people.values())))) if people else {}
    found = []
    for judge, of in verdicts.items():
        with_people: list[Part] = [unknown(name, "no labels of people were given: --labels FILE") for name in PEOPLE]
        figures: dict[str, Any] = {}
        if people:
            with_people, figures = people_findings(means(run, of), people)
        plain = known.get(judge, [])
        parts = [
            *biases(of), *repeats(of), *filler(plain), *canaries(plain), *with_people,
            family(rates, run.name, run.reference, judge, said),
        ]  # fmt: skip
        findings = sorted([*decide(parts), screened], key=lambda finding: NAMES.index(finding.name))
        found.append(JudgeTrust(judge, tuple(findings), figures))
    return found


def as_json(run: FinishedRun, found: Sequence[JudgeTrust]) -> dict[str, Any]:
    """Return `trust.json`: findings of all judges in one list, and the figures from labels by judge."""
    return {
        "run": run.name,
        "findings": [{"judge": one.judge} | asdict(finding) for one in found for finding in one.findings],
        "people": {one.judge: _plain(one.people) for one in found if one.people},
    }


def _rates(run: FinishedRun, verdicts: Mapping[str, Sequence[Judged]]) -> Rates:
    rates = Rates()
    _add(rates, run, verdicts)
    return rates


def _add(rates: Rates, run: FinishedRun, verdicts: Mapping[str, Sequence[Judged]]) -> None:
    """Add a run's verdicts; a judge's family is that of the model behind it, else the one that its label says."""
    for judge, of in verdicts.items():
        of_judge = family_of(model_of(judge, run.judge_models), judge)
        rates.add(run.name, family_of(run.name, run.model_path), judge, of_judge, _by_instruction(run, means(run, of)))


def _by_instruction(run: FinishedRun, y: Floats) -> ByPrompt:
    return {i: float(value) for i, value in zip(run.items, y, strict=True) if not np.isnan(value)}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return value
