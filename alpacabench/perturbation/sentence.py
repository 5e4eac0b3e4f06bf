"""Adding sentences around a task without touching the task or its input."""

from __future__ import annotations

from collections.abc import Sequence

from alpacabench.core.spans import head_end
from alpacabench.perturbation.base import Edit


def prepend(text: str, sentences: Sequence[str]) -> list[Edit]:
    """Return one insertion per sentence, in front of the task."""
    gap = "\n" if text.startswith(("```", "~~~", "\n")) else " "
    return [Edit(0, 0, sentence + gap) for sentence in sentences]


def append(text: str, sentences: Sequence[str]) -> list[Edit]:
    """Return one insertion per sentence, after the task and before its input.

    In front of it where the task ends in a colon or comma, which belongs to what follows, or in an open code block.
    """
    head = text[: head_end(text)].rstrip()
    if not head or head[-1] in ":,;" or head.count("```") % 2 or head.count("~~~") % 2:
        return prepend(text, sentences)
    gap = "" if head[-1] in ".!?…" else "."
    if head.endswith(("```", "~~~")):
        gap = "\n"
    at = len(head)
    return [Edit(at, at, (gap if i == 0 else "") + (" " + sentence)) for i, sentence in enumerate(sentences)]
