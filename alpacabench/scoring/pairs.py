"""What a length-controlled fit is made from, and what stands in for a metric that would mean nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from alpacabench.scoring.arrays import Floats, canonical_order, outcomes, same_length

JUDGE = "weighted_alpaca_eval_gpt4_turbo"
REFERENCE = "gpt4_1106_preview"
"""The judge and the reference for which the gamed baselines were judged; under another one they do not transfer."""
MIN_ROWS = 30
"""Scored prompts that a fit on length or difficulty needs: ten for each weight."""


@dataclass(frozen=True)
class Refusal:
    """A metric that is not given, and why."""

    metric: str
    reason: str
    needs_table: bool = False
    """Whether the table of difficulties is missing: who looked for it knows why."""


@dataclass(frozen=True)
class Pairs:
    """Scored pairs of answers in canonical order: rows without a verdict are left out."""

    instructions: tuple[str, ...]
    y: Floats
    tanh_length: Floats
    """tanh((len_reference - len_model) / sd); all zero where every answer has the reference's length."""

    @classmethod
    def of(
        cls, instructions: Sequence[str], preferences: ArrayLike, lengths: ArrayLike, reference_lengths: ArrayLike
    ) -> Pairs:
        """Sort by instruction; preferences in [1, 2] (NaN is missing), lengths in characters.

        Raises:
            DataError: columns of different length, a preference out of range, an instruction that occurs twice.
        """
        y = outcomes(preferences)
        difference = np.asarray(reference_lengths, dtype=np.float64) - np.asarray(lengths, dtype=np.float64)
        same_length(instructions=instructions, preferences=y, lengths=difference)
        order = canonical_order(instructions)
        order = order[~np.isnan(y[order])]
        difference = difference[order]
        spread = np.std(difference, ddof=1) if len(order) > 1 else 0.0
        tanh_length = np.tanh(difference / spread) if spread > 0 else np.zeros(len(order))
        return cls(tuple(instructions[row] for row in order), y[order], tanh_length)

    def __len__(self) -> int:
        """Return the number of scored pairs."""
        return len(self.y)
