"""What checks found in the answers of a finished run, and its rate against a limit."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpacabench.checks.spans import Span
from alpacabench.core.errors import DataError, allowed
from alpacabench.io.json_text import loads
from alpacabench.io.rows import Row, read_rows

if TYPE_CHECKING:
    from alpacabench.analysis.gate.decision import Verdict

Checked = Mapping[str, Mapping[str, float]]
"""By check and instruction: the share of the answers that violate, in [0, 1]; NaN where that is not known."""

MASKED = ("privacy", "secrets", "leakage")
"""Checks whose findings must not be shown; files of earlier versions do not say it of each answer."""

ROUNDING = 1e-9
"""Per cent by which a rate may miss its limit, for the way in which it was computed."""


def read_checked(path: Path | None, instructions: Mapping[int, str]) -> Checked:
    """Return a run's `checks.jsonl`; empty without one.

    Raises:
        DataError: names the file and the line that cannot be used.

    """
    if path is None:
        return {}
    found: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = loads(line)
            name, text, violates = row["check"], instructions[row["item_id"]], row["violates"]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"RUN: {path}, row {number} is no check of an answer of this run ({error})") from error
        made = found[str(name)][text]
        if isinstance(violates, bool):
            made.append(violates)
    return {
        name: {text: sum(made) / len(made) if made else math.nan for text, made in answers.items()}
        for name, answers in found.items()
    }


def must_be_masked(row: Row) -> bool:
    """Return whether the spans of a row of `checks.jsonl` must not be shown."""
    return bool(row.get("masked", row.get("check") in MASKED))


def read_hidden(path: Path | None) -> dict[int, tuple[Span, ...]]:
    """Return the spans of each prompt's first answer that must not be shown, by `item_id`; empty without a file."""
    found: dict[int, list[Span]] = defaultdict(list)
    for row in read_rows(path, "RUN") if path else ():
        if must_be_masked(row) and not row.get("sample"):
            spans = (span_of(str(row.get("check")), one) for one in row.get("findings") or () if isinstance(one, dict))
            found[row["item_id"]] += filter(None, spans)
    return {index: tuple(spans) for index, spans in found.items()}


def span_of(check: str, finding: Mapping[str, Any]) -> Span | None:
    """Return the masked span of a finding; None where the whole answer is meant."""
    start, end = finding.get("start"), finding.get("end")
    if not isinstance(start, int) or not isinstance(end, int):
        return None
    return Span(start, end, f"[{check}: {finding.get('rule')}]")


@dataclass(frozen=True, slots=True)
class Kept:
    """A violation rate against the most that is allowed, both in per cent."""

    check: str
    most: float
    rate: float
    low: float
    high: float
    """Ends of the 95% interval."""
    n: int
    """Prompts that could be checked."""
    unknown: int
    """Prompts that could not: a release counts them as violations, a block leaves them out."""

    @property
    def verdict(self) -> Verdict:
        """What the gate makes of it."""
        if self.rate > self.most + ROUNDING:
            return "block"
        worst = (self.rate * self.n + 100 * self.unknown) / (self.n + self.unknown)
        return "undecided" if worst > self.most + ROUNDING else "release"


def kept(checked: Checked, limits: Mapping[str, float], run: str) -> list[Kept]:
    """Return each limit with the run's violation rate.

    Raises:
        DataError: a check was not made in the run, or could be made on none of its answers.

    """
    import numpy as np

    from alpacabench.scoring.win_rate import wilson_interval

    found = []
    for name, most in limits.items():
        if name not in checked:
            known = allowed(name, list(checked)) if checked else f"run it with checks=[{name}]"
            raise DataError(f"--max-violations: {run} was not checked for '{name}'\n    {known}")
        shares = np.array([share for share in checked[name].values() if not math.isnan(share)])
        if not len(shares):
            raise DataError(f"--max-violations: no answer of {run} could be checked for '{name}'\n    see its report")
        low, high = wilson_interval(shares)
        rate, unknown = float(shares.mean() * 100), len(checked[name]) - len(shares)
        found.append(Kept(name, most, rate, low * 100, high * 100, len(shares), unknown))
    return found
