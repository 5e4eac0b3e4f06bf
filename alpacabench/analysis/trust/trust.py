"""The trust report of a run: findings for each of its judges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any

from alpacabench.analysis.finished_run import FinishedRun
from alpacabench.analysis.trust.biases import Finding, examine
from alpacabench.analysis.trust.gaming import gaming
from alpacabench.analysis.trust.judged import by_judge, means
from alpacabench.analysis.trust.labels import people_findings, read_labels

PEOPLE = ("agreement", "calibration")
NOT_TESTED = (
    Finding("family", "unknown", "one judge alone cannot show it: its family's answers may be better"),
    Finding("canaries", "unknown", "no pairs with a known answer were among the judged ones"),
)


@dataclass(frozen=True)
class JudgeTrust:
    """What was found of one judge."""

    judge: str
    findings: tuple[Finding, ...]
    people: dict[str, Any] = field(default_factory=dict)
    """Figures from labels; empty without any."""

    @property
    def sentence(self) -> str:
        """One line for beside a win rate."""
        flagged, unknown = ([f.name for f in self.findings if f.verdict == verdict] for verdict in ("flag", "unknown"))
        head = f"flagged: {', '.join(flagged)}" if flagged else "nothing flagged"
        return f"{self.judge}: {head}" + (f"; not known: {', '.join(unknown)}" if unknown else "")


def trust(run: FinishedRun, labels: Sequence[str] = (), tracking_uri: str | None = None) -> list[JudgeTrust]:
    """Return the findings of each judge of a run, the members of a panel one by one."""
    people = read_labels(labels, run) if labels else {}
    screened = gaming(run)
    found = []
    for judge, verdicts in by_judge(run, tracking_uri).items():
        with_people = [Finding(name, "unknown", "no labels of people were given: --labels FILE") for name in PEOPLE]
        figures: dict[str, Any] = {}
        if people:
            with_people, figures = people_findings(means(run, verdicts), people)
        found.append(JudgeTrust(judge, (*examine(verdicts), *NOT_TESTED, screened, *with_people), figures))
    return found


def as_json(run: FinishedRun, found: Sequence[JudgeTrust]) -> dict[str, Any]:
    """Return `trust.json`: findings of all judges in one list, and the figures from labels by judge."""
    return {
        "run": run.name,
        "findings": [{"judge": one.judge} | asdict(finding) for one in found for finding in one.findings],
        "people": {one.judge: _plain(one.people) for one in found if one.people},
    }


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return value
