"""What is said of judges: whether one is to be trusted, has changed, or gives other win rates than another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alpacabench.analysis.decision import differs, side
from alpacabench.analysis.estimate import decimal
from alpacabench.core.sentence import Sentence, first

if TYPE_CHECKING:
    from alpacabench.analysis.bridge import Bridge
    from alpacabench.analysis.drift.answer import Answer
    from alpacabench.analysis.trust.trust import JudgeTrust

EARNED = "gaming"
"""The question that is about the answers, not about their judge."""


@dataclass(frozen=True, slots=True)
class Examined:
    """Verdicts on the questions about a judge, by the finding's name."""

    verdicts: Mapping[str, str]

    @property
    def flagged(self) -> list[str]:
        """The names of the questions with a fault."""
        return [name for name, verdict in self.verdicts.items() if verdict == "flag"]

    @property
    def known(self) -> int:
        """How many questions are answered."""
        return sum(verdict != "unknown" for verdict in self.verdicts.values())


def line(verdicts: Mapping[str, str]) -> str:
    """Return one line for beside a win rate; empty where nothing was asked."""
    return first(LINES, Examined(verdicts))


def trust(found: Sequence[JudgeTrust]) -> str:
    """Return the answer to whether judges are to be trusted."""
    return first(TRUST, found)


def drift(answer: Answer) -> str:
    """Return what became of a judge."""
    return first(DRIFT, answer)


def bridge(found: Bridge) -> str:
    """Return the offset between two judges."""
    return first(BRIDGE, found)


def _line(found: Examined) -> dict[str, object]:
    return {"names": ", ".join(found.flagged), "known": found.known, "n": len(found.verdicts)}


LINES: tuple[Sentence[Examined], ...] = (
    Sentence(
        "trust.flagged", "flagged: {names} ({known} of {n} questions answered)",
        when=lambda found: bool(found.flagged), fields=_line, error=0.05,
    ),
    Sentence(
        "trust.nothing", "nothing flagged ({known} of {n} questions answered)",
        when=lambda found: found.known > 0, fields=_line,
    ),
    Sentence(
        "trust.not_known", "nothing known ({known} of {n} questions answered)",
        when=lambda found: bool(found.verdicts), fields=_line,
    ),
)  # fmt: skip


def _at_fault(found: Sequence[JudgeTrust]) -> list[str]:
    return [one.judge for one in found if any(f.verdict == "flag" and f.name != EARNED for f in one.findings)]


def _gamed(found: Sequence[JudgeTrust]) -> bool:
    return any(f.verdict == "flag" and f.name == EARNED for one in found for f in one.findings)


def _judges(found: Sequence[JudgeTrust]) -> dict[str, object]:
    return {
        "judge": _at_fault(found)[0] if _at_fault(found) else "",
        "at_fault": len(_at_fault(found)),
        "n": len(found),
    }


TRUST: tuple[Sentence[Sequence[JudgeTrust]], ...] = (
    Sentence(
        "trust.one", "{judge} is not to be trusted without a second look",
        when=lambda found: len(found) == 1 and bool(_at_fault(found)), fields=_judges, error=0.05,
    ),
    Sentence(
        "trust.several", "{at_fault} of {n} judges are not to be trusted without a second look",
        when=lambda found: bool(_at_fault(found)), fields=_judges, error=0.05,
    ),
    Sentence("trust.gamed", "No fault of the judge is established, but the score looks gamed", when=_gamed),
    Sentence("trust.none", "No fault of the judge is established", when=lambda found: len(found) == 1),
    Sentence("trust.none_of_any", "No fault of any judge is established", when=lambda found: len(found) > 1),
)  # fmt: skip


def _drift(answer: Answer) -> dict[str, str]:
    since = answer.baseline.date[:10] if answer.baseline else ""
    return {"judge": answer.judge, "since": since, "reason": answer.reason}


DRIFT: tuple[Sentence[Answer], ...] = (
    Sentence(
        "drift.baseline", "The baseline of {judge} is recorded: the next call compares with it",
        when=lambda answer: answer.verdict == "baseline", fields=_drift,
    ),
    Sentence(
        "drift.unchanged", "No change of {judge} was found since its baseline of {since}",
        when=lambda answer: answer.verdict == "unchanged", fields=_drift,
    ),
    Sentence(
        "drift.changed", "{judge} has changed since its baseline of {since}",
        when=lambda answer: answer.verdict == "changed", fields=_drift, error=0.05,
    ),
    Sentence(
        "drift.unknown", "Whether {judge} has changed could not be found out: {reason}",
        when=lambda answer: answer.verdict == "unknown", fields=_drift,
    ),
)  # fmt: skip


def _bridge(found: Bridge) -> dict[str, object]:
    shift = f"{decimal(found.offset.value, signed=True)} points (95% interval {found.offset.range(signed=True)})"
    return {"old": found.old, "new": found.new, "n": found.n, "shift": shift}


BRIDGE: tuple[Sentence[Bridge], ...] = (
    Sentence(
        "bridge.moves", "Under {new} the win rate moves by {shift} from {old}, on the same {n} answers",
        when=lambda found: side(found.offset) != 0 and differs(found.offset_p), fields=_bridge, error=0.05,
    ),
    Sentence(
        "bridge.unclear",
        "The win rate under {new} is not shown to differ from that under {old}: {shift}, on the same {n} answers",
        when=lambda found: True, fields=_bridge,
    ),
)  # fmt: skip
