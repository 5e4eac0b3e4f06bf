"""Which answer the judge sees first."""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import lru_cache


@lru_cache(maxsize=4096)
def model_first(instruction: str, seed: int) -> bool:
    """Return whether the model's answer is shown first: alpaca_eval's own rule, a function of the original instruction.

    Source: alpaca_eval 0.6.6, `processors.RandomSwitchTwoColumnsProcessor` with `utils.random_seeded_choice`.
    """
    # Its `choices([False, True])` takes the second where the number is in the upper half.
    return random.Random(f"is_switched_outputs{instruction}{seed}").random() >= 0.5


def moved_share(texts: Iterable[tuple[str, str]], seed: int) -> float | None:
    """Return the share of changed prompts whose slot would change if it followed the text that the model saw.

    About half of them, whatever the edit (MEASUREMENT finding 7). None where no text is changed.

    Args:
        texts: of each prompt the original instruction and the text that the model saw.
        seed: `judge.seed`.

    """
    moved = [model_first(old, seed) != model_first(new, seed) for old, new in texts if old != new]
    return sum(moved) / len(moved) if moved else None
