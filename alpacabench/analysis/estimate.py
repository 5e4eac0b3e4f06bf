"""A figure with its 95% interval, and how figures are written for readers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from alpacabench.scoring.arrays import Floats
    from alpacabench.scoring.paired import Delta

Number = float | int | str | None
"""A metric as `metrics.json` holds it; text and None are no numbers."""

MISSING = "–"
MINUS = "\N{MINUS SIGN}"
FEW = 30
"""A slice of fewer prompts is marked: its interval says little (MEASUREMENT 5)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95% interval, all in one unit; a side without interval is None."""

    value: float
    low: float | None = None
    high: float | None = None

    @classmethod
    def of_delta(cls, delta: Delta) -> Estimate:
        """Return a paired difference, in points."""
        return cls(delta.estimate, delta.ci_low, delta.ci_high)

    @classmethod
    def of_differences(cls, points: Floats, reach: float = 100.0) -> Estimate:
        """Return the mean of differences in points, two or more, none beyond reach; see `scoring.small_sample`."""
        from alpacabench.scoring.small_sample import mean_of

        low, high = mean_of(points, reach).interval()
        return cls(float(points.mean()), max(-reach, low), min(reach, high))

    @classmethod
    def of_shares(cls, y: Floats) -> Estimate:
        """Return the mean of y in [0, 1] in percent, with the interval that suits its verdicts."""
        from alpacabench.scoring.win_rate import mean_interval

        low, high, _ = mean_interval(y)
        return cls(float(y.mean() * 100), low * 100, high * 100)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Both ends of the interval; None where it is not known."""
        return (self.low, self.high) if finite(self.low) and finite(self.high) else None

    def text(self, digits: int = 1, signed: bool = False) -> str:
        """Return '37.2 (30.1 to 44.8)'."""
        return decimal(self.value, digits, signed) + (f" ({self.range(digits, signed)})" if self.interval else "")

    def percent(self) -> str:
        """Return '37.2% (30.1 to 44.8)'."""
        return f"{decimal(self.value)}%" + (f" ({self.range()})" if self.interval else "")

    def range(self, digits: int = 1, signed: bool = False) -> str:
        """Return '30.1 to 44.8'; a dash where the interval is not known."""
        if not self.interval:
            return MISSING
        return " to ".join(decimal(end, digits, signed) for end in self.interval)


def finite(value: object) -> TypeGuard[float]:
    """Return whether the value is a usable number (not None, text, NaN or infinite)."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def decimal(value: object, digits: int = 1, signed: bool = False) -> str:
    """Return a number with a true minus sign and grouped thousands; a dash where there is none."""
    if not finite(value):
        return MISSING
    text = f"{abs(value):,.{digits}f}"
    zero = not text.strip("0.,")
    return ("" if zero else MINUS if value < 0 else "+" if signed else "") + text


def count(value: object) -> str:
    """Return a whole number with grouped thousands."""
    return decimal(value, 0)


def significant(value: object) -> str:
    """Return a metric of unknown scale: whole numbers in full, others to four significant digits."""
    if isinstance(value, str):
        return value
    if not finite(value):
        return MISSING
    if value == int(value) and abs(value) < 1e15:
        return decimal(value, 0)
    if abs(value) < 1e-4:
        return f"{value:.3g}".replace("-", MINUS)
    return decimal(value, max(0, 3 - math.floor(math.log10(abs(value)))))


def probability(value: object) -> str:
    """Return a p value to three digits."""
    if not finite(value):
        return MISSING
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def p_value(value: object, leading_zero: bool = True) -> str:
    """Return 'p = 0.034' or 'p < 0.001'; without its leading zero, for the narrow notes of a plot, 'p = .034'."""
    number = probability(value)
    text = f"p {number}" if number.startswith("<") else f"p = {number}"
    return text if leading_zero else text.replace(" 0.", " .")


def dollars(value: object) -> str:
    """Return an amount in US dollars, with the digits that small amounts need."""
    if not finite(value):
        return "unknown"
    return (
        "$0" if value == 0 else f"${value:,.2f}" if value >= 0.1 else f"${value:.2g}" if value >= 1e-4 else "< $0.0001"
    )


def duration(seconds: object) -> str:
    """Return seconds as '4.2 s', '3 min 20 s' or '2 h 5 min'."""
    if not finite(seconds):
        return MISSING
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
