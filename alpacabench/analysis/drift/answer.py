"""What one call finds out about a judge: its baseline, no change, a change, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from alpacabench.analysis.drift.anchors import (
    BASELINE_REPEATS,
    LEAST,
    REPEATS,
    Round,
    ask_round,
    read_record,
    round_of,
    write_record,
)
from alpacabench.analysis.drift.change import Change, change
from alpacabench.core.records import Pair
from alpacabench.judge.base import Judge

Found = Literal["baseline", "unchanged", "changed", "unknown"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of one call."""

    verdict: Found
    judge: str
    path: Path
    """Of the record."""
    reason: str = ""
    """Why it could not be found out."""
    alpha: float | None = None
    change: Change | None = None
    baseline: Round | None = None
    now: Round | None = None
    checks: Sequence[Mapping[str, Any]] = field(default=())
    """Every check so far, as the record holds them."""

    @property
    def notes(self) -> list[str]:
        """What the server calls itself now, where it was something else in the baseline."""
        if self.baseline is None or self.now is None:
            return []
        return [
            f"the server's {name} was {', '.join(then) or 'not told'}, and is {', '.join(now) or 'not told'}"
            for name in ("model", "system_fingerprint")
            if set(then := self.baseline.served.get(name, {})) != set(now := self.now.served.get(name, {}))
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the answer as JSON takes it."""
        found: dict[str, Any] = {"verdict": self.verdict, "judge": self.judge, "record": str(self.path)}
        found |= {"reason": self.reason} if self.reason else {}
        found |= {"alpha": self.alpha, "p": self.change.p, **asdict(self.change)} if self.change else {}
        for name, one in (("baseline", self.baseline), ("now", self.now)):
            found |= {name: _told(one)} if one else {}
        return found | {"notes": self.notes}


def look(judge: Judge, pairs: Sequence[Pair], path: Path, alpha: float) -> Answer:
    """Record the baseline of a judge, or compare it with its baseline.

    Args:
        judge: asked anew about every pair.
        pairs: the anchors.
        path: of the record.
        alpha: share of false alarms.

    Raises:
        StageError: the judge cannot be asked.
        DataError: the record cannot be read.

    """
    record = read_record(path)
    now = ask_round(judge, pairs, BASELINE_REPEATS if record is None else REPEATS, path)
    if record is None:
        if not now.complete:
            return Answer("unknown", judge.label, path, _missing(now), now=now)
        write_record(path, {"judge": judge.label, "baseline": asdict(now), "checks": []})
        return Answer("baseline", judge.label, path, baseline=now)
    baseline = round_of(record["baseline"])
    both = sorted(set(baseline.verdicts) & set(now.verdicts))
    found = None
    if len(both) >= LEAST:
        found = change([baseline.verdicts[key] for key in both], [now.verdicts[key] for key in both])
    verdict: Found = "changed" if found and found.p <= alpha else "unchanged" if found and now.complete else "unknown"
    row = asdict(now) | {"verdict": verdict, "alpha": alpha, "p": found.p if found else None}
    row |= {"shift": found.shift.value if found else None}
    checks = [*record["checks"], row]
    write_record(path, record | {"checks": checks})
    reason = _missing(now) if verdict == "unknown" else ""
    return Answer(verdict, judge.label, path, reason, alpha, found, baseline, now, checks)


def _missing(now: Round) -> str:
    return f"{now.missing} of {now.missing + len(now.verdicts)} pairs lack a verdict"


def _told(one: Round) -> dict[str, Any]:
    return {"date": one.date, "n": len(one.verdicts), "missing": one.missing, "served": one.served}
