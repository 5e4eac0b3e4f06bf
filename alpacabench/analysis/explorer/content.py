"""Prompts by settings: every answer with its score, its verdicts and what checks found in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Flag:
    """One finding of a check."""

    check: str
    rule: str
    message: str
    sample: int = 0
    start: int | None = None
    end: int | None = None
    """The span in the text as it is shown, in characters; None where the whole answer is meant."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What one setting made of one prompt."""

    score: float | None
    """0 the reference wins, 100 the model wins; None without a verdict."""
    texts: tuple[str, ...] = ()
    """One per sample, with the spans masked that must not be shown; empty where a sample has no text."""
    length: float | None = None
    """Characters, the mean over samples."""
    finish_reason: str = ""
    failure: str = ""
    verdicts: tuple[tuple[bool | None, float | None], ...] = ()
    """Each verdict: whether the model's answer was shown first, and the score."""
    flags: tuple[Flag, ...] = ()
    parts: tuple[tuple[tuple[int, str], ...], ...] = ()
    """Of each text that is a conversation where its messages begin, in characters, and whose they are."""
    shown: str | None = None
    """The prompt as the model saw it, where that is not the instruction."""


@dataclass(frozen=True, slots=True)
class Row:
    """One prompt."""

    index: int
    instruction: str
    reference: str | None
    source: str
    category: str
    answers: tuple[Answered | None, ...]
    """One per setting; None where the setting has no such prompt."""
    reference_parts: tuple[tuple[int, str], ...] = ()
    """Where the messages of a reference begin that is a conversation."""


@dataclass(frozen=True, slots=True)
class Explorer:
    """Everything that the page shows."""

    title: str
    settings: Sequence[str]
    """Names, the base's among them."""
    reference: str
    judge: str
    rows: Sequence[Row]
    base: int = 0
    """Which setting the others are compared with."""
    checks: Sequence[str] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    """Word to address: the report beside the page, the runs in MLflow."""
