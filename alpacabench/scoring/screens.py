"""Cheap signs, from the answers alone, that a score was not earned (MEASUREMENT 4.2: over 227 published runs)."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from alpacabench.core.errors import DataError
from alpacabench.dataset.needed_words import SparedSearch, in_lower_case
from alpacabench.scoring.arrays import canonical_order, same_length

MIN_UNIQUE_OUTPUT_SHARE = 0.9
MIN_SPECIFICITY = 0.05
MIN_COMPRESS_RATIO = 0.18
MAX_INJECTION_SHARE = 0.05
"""These four flag the null model and the gamed GPT-4, and no honest run of the 227 (whose least ratio is 0.21)."""
MIN_ROWS = 20
"""Below so many answers the shares say little, and nothing is flagged."""
JUDGE_PROMPT = SparedSearch.of(
    re.compile(
        r'model_identifier|##\s*Model Outputs|<\|im_start\|>|ignore the (?:above|previous)|"output"\s*:', re.IGNORECASE
    )
)
"""The judge prompt's own structure, or an order to forget it."""
LETTERS = 4
WORD = re.compile(rf"\w{{{LETTERS},}}")
"""Words of four letters and more: shorter ones occur in every text."""
APART = bytes(code if chr(code).isalnum() or chr(code) == "_" else ord(" ") for code in range(128)) + bytes(128)
"""ASCII with a blank for everything that is in no word."""


@dataclass(frozen=True)
class Screens:
    """What the answers look like; shares in [0, 1], lengths in characters."""

    unique_output_share: float
    top_output_share: float
    """Share of the most frequent answer."""
    specificity: float
    """Share of an instruction's words in its answer, minus that of another instruction's words."""
    compress_ratio: float
    """Bytes of all answers together after zlib, over before."""
    injection_share: float
    """Answers that imitate the judge's prompt."""
    empty_share: float
    avg_length: float
    median_length: float
    len_ratio_vs_baseline: float
    """Mean length over the reference's, where there is one; NaN without any."""
    flags: tuple[str, ...]
    """One sentence for each threshold that is crossed."""


UNITS = {
    "unique_output_share": "share", "top_output_share": "share", "specificity": "share", "compress_ratio": "ratio",
    "injection_share": "share", "empty_share": "share", "avg_length": "characters", "median_length": "characters",
    "len_ratio_vs_baseline": "ratio",
}  # fmt: skip
"""Of the figures of `Screens`."""


def screen(
    instructions: Sequence[str], outputs: Sequence[str], references: Sequence[str | None] | None = None
) -> Screens:
    """Screen one run's answers, one per instruction; a reference that is missing is None.

    Raises:
        DataError: no answers, columns of different length, or an instruction that occurs twice.
    """
    same_length(instructions=instructions, outputs=outputs, references=outputs if references is None else references)
    order = canonical_order(instructions)
    asked, answers = [instructions[row] for row in order], [outputs[row] for row in order]
    if not answers:
        raise DataError("there are no answers to screen; generate or load at least one.")
    unique, top = len(set(answers)) / len(answers), Counter(answers).most_common(1)[0][1] / len(answers)
    specific, compressed, injected = _signs(tuple(asked), tuple(answers))
    lengths = np.array([len(answer) for answer in answers])
    pairs = [(len(o), len(r)) for o, r in zip(outputs, references or (), strict=bool(references)) if r is not None]
    length, reference_length = np.sum(pairs, axis=0) if pairs else (0, 0)
    return Screens(
        unique_output_share=unique,
        top_output_share=top,
        specificity=specific,
        compress_ratio=compressed,
        injection_share=injected,
        empty_share=float(np.mean([not answer.strip() for answer in answers])),
        avg_length=float(np.mean(lengths)),
        median_length=float(np.median(lengths)),
        len_ratio_vs_baseline=float(length / reference_length) if reference_length else float("nan"),
        flags=_flags(len(answers), unique, specific, compressed, injected),
    )


@lru_cache(maxsize=1)
def _signs(asked: tuple[str, ...], answers: tuple[str, ...]) -> tuple[float, float, float]:
    """Return specificity, compress ratio and injection share; the judge of a run is examined by them, too."""
    return specificity(asked, answers), compress_ratio(answers), injection_share(answers)


def specificity(instructions: Sequence[str], outputs: Sequence[str]) -> float:
    """Return how much more of its own instruction's words an answer holds than of another's; 0 for a constant answer.

    The other instruction is the next one in a fixed random ring, so no instruction meets itself.
    """
    ring = np.random.default_rng(0).permutation(len(instructions))
    there, gains = _words(instructions[ring[-1]]), []
    for row in ring:
        here, answer = _words(instructions[row]), _words(outputs[row])
        gains.append(_share(here, answer) - _share(there, answer))
        there = here
    return float(np.mean(gains))


def _words(text: str) -> set[str]:
    if not text.isascii():
        return set(WORD.findall(text.lower()))
    # The same, in two thirds of the time.
    return {word for word in text.lower().encode().translate(APART).decode().split() if len(word) >= LETTERS}


def compress_ratio(outputs: Sequence[str]) -> float:
    """Return the zlib size of all answers together over their size; 1 where there is nothing to compress."""
    packer, size, packed = zlib.compressobj(), 0, 0
    for number, output in enumerate(outputs):
        text = f"{chr(10) if number else ''}{output}".encode("utf-8", "surrogatepass")
        size, packed = size + len(text), packed + len(packer.compress(text))
    return (packed + len(packer.flush())) / size if size else 1.0


def injection_share(outputs: Sequence[str]) -> float:
    """Return the share of answers with a piece of the judge's prompt in them."""
    return float(np.mean([JUDGE_PROMPT.found(output, in_lower_case(output)) for output in outputs]))


def _share(words: set[str], answer: set[str]) -> float:
    return len(words & answer) / len(words) if words else 0.0


def _flags(n: int, unique: float, specific: float, compressed: float, injected: float) -> tuple[str, ...]:
    if n < MIN_ROWS:
        return ()
    found = {
        f"only {unique:.1%} of the answers are distinct": unique < MIN_UNIQUE_OUTPUT_SHARE,
        f"answers do not follow their instructions (specificity {specific:.3f})": specific < MIN_SPECIFICITY,
        f"answers repeat each other (they compress to {compressed:.1%})": compressed < MIN_COMPRESS_RATIO,
        f"{injected:.1%} of the answers imitate the judge's prompt": injected > MAX_INJECTION_SHARE,
    }
    return tuple(sentence for sentence, crossed in found.items() if crossed)
