"""Passages that many answers share: a constant prefix, filler or order to the judge, in any language."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+")
"""A word; where a script writes none apart, each of its characters."""
LENGTH = 6
"""Words of a passage."""
COMMON = 0.05
"""Share of the answers that a passage must stand in."""
MIN_ANSWERS = 3
"""And how many."""
MAX_SHARED = 0.8
"""Share of answers with common passages beyond which they were not written for their prompts. Of twelve published runs
at hand, where models close with one polite formula, the largest is 0.20 over 805 answers, and 0.30 over 40."""
LOOKED_AT = 100
"""Answers whose passages are looked for in all others: a common one is in several of them."""


def sharing(prompts: Sequence[str], outputs: Sequence[str]) -> list[bool]:
    """Return of each answer whether it holds a common passage that no prompt among those looked at holds, too.

    Args:
        prompts: what was asked, in a fixed order.
        outputs: the answers, one for each prompt.

    """
    looked_at = np.random.default_rng(0).permutation(len(outputs))[:LOOKED_AT]
    found = Counter(passage for number in looked_at for passage in _passages(_words(outputs[number])))
    repeated = [f" {passage} " for passage, times in found.items() if times >= MIN_ANSWERS]
    asked = [_words(prompts[number]) for number in looked_at] if repeated else []
    given = [passage for passage in repeated if not any(passage in text for text in asked)]
    if not given:
        return [False] * len(outputs)
    holding = np.array([[passage in text for passage in given] for text in map(_words, outputs)])
    common = holding.sum(axis=0) >= max(MIN_ANSWERS, COMMON * len(outputs))
    return [bool(shares) for shares in np.any(holding[:, common], axis=1)]


def _words(text: str) -> str:
    return f" {' '.join(WORD.findall(text.lower()))} "


def _passages(text: str) -> set[str]:
    words = text.split()
    return {" ".join(words[start : start + LENGTH]) for start in range(len(words) - LENGTH + 1)}
