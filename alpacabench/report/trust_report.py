"""`trust.html`: how far the judge of a run is to be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alpacabench.analysis.finished_run import FinishedRun
from alpacabench.analysis.trust.trust import JudgeTrust
from alpacabench.report.page import write_page

WORDS = {"ok": "OK", "flag": "Flagged", "unknown": "Not known"}
QUESTIONS = {
    "position": "Does the place decide?", "order": "Do both orders agree?", "repeats": "Asked again, does it stand?",
    "length": "Does length decide?", "unreadable": "Can its verdicts be read?",
    "family": "Does it prefer its own family?", "canaries": "Does it see what is plain?",
    "gaming": "Was the score earned?",
    "agreement": "Do people agree?", "calibration": "Is its certainty worth what it says?",
}  # fmt: skip


def write_trust_report(path: Path | str, run: FinishedRun, found: Sequence[JudgeTrust]) -> Path:
    """Write the page; needs no network to be read."""
    return write_page(path, "trust.html", title=f"Trust: {run.name}", run=run, found=found, words=WORDS,
                      questions=QUESTIONS)  # fmt: skip
