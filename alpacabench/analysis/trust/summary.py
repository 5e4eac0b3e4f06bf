"""Trust in few words: the line beside a win rate, the metrics of a tracked run, and what a run's own file says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from alpacabench.analysis.sentences import judges
from alpacabench.analysis.trust.finding import Finding
from alpacabench.analysis.trust.trust import JudgeTrust
from alpacabench.io.json_text import loads
from alpacabench.io.run_files import TRUST_FILE

PREFIX = "trust/"
"""Of the metrics."""
SEVERITY: Mapping[str, int] = {"unknown": 0, "ok": 1, "flag": 2}


def line(findings: Iterable[Finding]) -> str:
    """Return one line for beside a win rate: what is flagged, and how much is known at all."""
    return judges.line({finding.name: finding.verdict for finding in findings})


def metrics(found: Sequence[JudgeTrust]) -> dict[str, float]:
    """Return what is tracked: each finding's value, how many are flagged and not known, and what people's labels make.

    Of a panel by member. `win_rate_corrected` is in percent.
    """
    values: dict[str, float] = {}
    for one in found:
        prefix = PREFIX + (f"{one.judge}/" if len(found) > 1 else "")
        values |= {f"{prefix}{f.name}": f.value for f in one.findings if f.value is not None}
        verdicts = [finding.verdict for finding in one.findings]
        values |= {f"{prefix}n_flagged": verdicts.count("flag"), f"{prefix}n_unknown": verdicts.count("unknown")}
        values |= {f"{prefix}{name}": value for name, value in _of_people(one.people)}
    return values


def _of_people(figures: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name in ("n_labelled", "n_labellers"):
        if name in figures:
            yield name, float(figures[name])
    if among := figures.get("alpha_among_people"):
        yield "alpha_among_people", among.value
    if rate := figures.get("corrected"):
        yield "win_rate_corrected", 100 * rate.rate
        yield from ((f"win_rate_corrected_ci_{end}", 100 * getattr(rate, end)) for end in ("low", "high"))


def read_verdicts(directories: Iterable[Path]) -> dict[str, str]:
    """Return what the files of runs say by the finding's name, of several judges the worst; empty without."""
    worst: dict[str, str] = {}
    for name, verdict in (said for directory in directories for said in _said(directory / TRUST_FILE)):
        if SEVERITY.get(verdict, -1) >= SEVERITY[worst.get(name, "unknown")]:
            worst[name] = verdict
    return worst


def _said(path: Path) -> list[tuple[str, str]]:
    try:
        return [(str(row["name"]), str(row["verdict"])) for row in loads(path.read_bytes())["findings"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
