"""`trust.html`: how far the judge of a run is to be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alpacabench.analysis.finished_run import FinishedRun
from alpacabench.analysis.sentences import judges
from alpacabench.analysis.trust.trust import JudgeTrust
from alpacabench.report import trust_words
from alpacabench.report.page import write_page


def write_trust_report(path: Path | str, run: FinishedRun, found: Sequence[JudgeTrust]) -> Path:
    """Write the page; needs no network to be read."""
    return write_page(
        path, "trust.html", title=f"Trust: {run.name}", run=run, cards=trust_words.cards(found),
        headline=judges.trust(found),
    )  # fmt: skip
