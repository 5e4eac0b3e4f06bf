"""Whether a score was earned: the answers' own signs, and the score without the rows that show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from alpacabench.analysis.estimate import Estimate
from alpacabench.analysis.finished_run import FinishedRun, Item
from alpacabench.analysis.trust.finding import Finding
from alpacabench.analysis.trust.passages import MAX_SHARED, sharing
from alpacabench.checks.injection import RULES
from alpacabench.dataset.needed_words import SparedSearch, in_lower_case
from alpacabench.scoring.screens import JUDGE_PROMPT, MAX_INJECTION_SHARE, MIN_ROWS, screen

ORDERS = tuple(SparedSearch.of(RULES[name]) for name in ("judge_prompt", "order_to_forget", "order_to_the_judge"))
END = 250
"""Characters at either end of an answer in which orders are looked for: it is there that they are given."""


def gaming(run: FinishedRun) -> Finding:
    """Return the screen of a run's answers, with the win rate with and without the flagged rows."""
    items = [item for item in run.items.values() if item.output is not None]
    if len(items) < MIN_ROWS:
        return Finding("gaming", "unknown", f"fewer than {MIN_ROWS} answers are at hand to be screened")
    found = screen([item.instruction for item in items], [str(item.output) for item in items])
    signs = Signs(items)
    flags = (*found.flags, *signs.flags())
    rest = _rate([item for item, flagged in zip(items, signs.any_of, strict=True) if not flagged])
    whole = _rate(items)
    scores = (
        f"win rate {whole.percent() if whole else 'unknown'} with all {len(items)} answers, "
        + (f"{rest.percent()} without" if rest else "none without")
        + f" the {sum(signs.any_of)} that repeat another or speak to the judge"
    )
    verdict = "; ".join(flags) if flags else "answers look earned"
    return Finding("gaming", "flag" if flags else "ok", f"{verdict}; {scores}", *_figures(whole))


class Signs:
    """Which of a run's answers repeat another, speak to the judge, or share a passage where most do."""

    def __init__(self, items: Sequence[Item]) -> None:
        outputs = [str(item.output) for item in items]
        times = Counter(outputs)
        shared = sharing([item.instruction for item in items], outputs)
        self.shared_share = float(np.mean(shared))
        self.speaking = [speaks_to_the_judge(item.instruction, str(item.output)) for item in items]
        self.any_of = [
            times[output] > 1 or speaks or (shares and self.shared_share > MAX_SHARED)
            for output, speaks, shares in zip(outputs, self.speaking, shared, strict=True)
        ]

    def flags(self) -> Iterator[str]:
        """Yield one sentence for each threshold that is crossed."""
        if self.shared_share > MAX_SHARED:
            yield f"{self.shared_share:.1%} of the answers hold passages that many others hold, too"
        if (speaking := float(np.mean(self.speaking))) > MAX_INJECTION_SHARE:
            yield f"{speaking:.1%} of the answers hold orders to the judge or pieces of its prompt"


def speaks_to_the_judge(instruction: str, output: str) -> bool:
    """Return whether an answer imitates a judge's prompt or gives it orders, unless the prompt speaks of such."""
    ends = output if len(output) <= 2 * END else f"{output[:END]}\n{output[-END:]}"
    plain = in_lower_case(ends)
    return JUDGE_PROMPT.found(output, in_lower_case(output)) or any(
        order.found(ends, plain) and not order.pattern.search(instruction) for order in ORDERS
    )


def _figures(rate: Estimate | None) -> tuple[float | None, tuple[float, float] | None]:
    return (rate.value, rate.interval) if rate else (None, None)


def _rate(items: list[Item]) -> Estimate | None:
    y = np.array([item.preference - 1 for item in items if not np.isnan(item.preference)])
    return Estimate.of_shares(y) if len(y) else None
