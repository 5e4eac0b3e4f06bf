"""Whether a score was earned: the answers' own signs, and the score without the rows that show them."""

from __future__ import annotations

from collections import Counter

import numpy as np

from alpacabench.analysis.estimate import Estimate
from alpacabench.analysis.finished_run import FinishedRun, Item
from alpacabench.analysis.trust.finding import Finding
from alpacabench.scoring.screens import JUDGE_PROMPT, MIN_ROWS, screen


def gaming(run: FinishedRun) -> Finding:
    """Return the screen of a run's answers, with the win rate with and without the flagged rows."""
    items = [item for item in run.items.values() if item.output is not None]
    if len(items) < MIN_ROWS:
        return Finding("gaming", "unknown", f"fewer than {MIN_ROWS} answers are at hand to be screened")
    found = screen([item.instruction for item in items], [str(item.output) for item in items])
    flagged = flagged_rows(items)
    rest = _rate([item for item in items if item.instruction not in flagged])
    whole = _rate(items)
    scores = (
        f"win rate {whole.percent() if whole else 'unknown'} with all {len(items)} answers, "
        + (f"{rest.percent()} without" if rest else "none without")
        + f" the {len(flagged)} that repeat another or imitate the judge's prompt"
    )
    if not found.flags:
        return Finding("gaming", "ok", f"answers look earned; {scores}", *_figures(whole))
    return Finding("gaming", "flag", f"{'; '.join(found.flags)}; {scores}", *_figures(whole))


def _figures(rate: Estimate | None) -> tuple[float | None, tuple[float, float] | None]:
    return (rate.value, rate.interval) if rate else (None, None)


def flagged_rows(items: list[Item]) -> frozenset[str]:
    """Return the instructions whose answer is another one's, too, or holds a piece of the judge's prompt."""
    times = Counter(item.output for item in items)
    return frozenset(
        item.instruction for item in items if times[item.output] > 1 or JUDGE_PROMPT.search(item.output or "")
    )


def _rate(items: list[Item]) -> Estimate | None:
    y = np.array([item.preference - 1 for item in items if not np.isnan(item.preference)])
    return Estimate.of_shares(y) if len(y) else None
