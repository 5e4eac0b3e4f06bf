"""Which answer the judge sees first."""

from __future__ import annotations

import random


def model_first(instruction: str, seed: int) -> bool:
    """Return whether the model's answer is shown first: alpaca_eval's own rule, a function of the original instruction.

    Source: alpaca_eval 0.6.6, `processors.RandomSwitchTwoColumnsProcessor` with `utils.random_seeded_choice`.
    """
    return random.Random(f"is_switched_outputs{instruction}{seed}").choices([False, True], k=1)[0]
