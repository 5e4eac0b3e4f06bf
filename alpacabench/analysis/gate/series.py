"""A series of gates: how much of the error probability each of them may spend, so that all together spend no more.

Every gate of a series tests at alpha times its share; the shares of all gates, however many follow, add up to one. So
with a probability of at least 1 - alpha no gate of the series blocks falsely, whatever the runs have in common
(Bonferroni's inequality). The shares fall as number^-1.6 (Tian and Ramdas 2021, Online control of the familywise error
rate, use the same).
"""

from __future__ import annotations

from dataclasses import dataclass

DECAY = 1.6


@dataclass(frozen=True, slots=True)
class Place:
    """A gate's place in its series."""

    series: str
    number: int
    """From 1."""
    alpha_series: float
    """Of all gates together."""

    @property
    def alpha(self) -> float:
        """Error probability of this gate."""
        return self.alpha_series * share(self.number)


def share(number: int) -> float:
    """Return the share of the error probability that a gate of the series may spend, by its number from 1."""
    from scipy.special import zeta

    return float(number**-DECAY / zeta(DECAY))
