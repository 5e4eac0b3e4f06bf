"""Paraphrases, from a file or written by a model."""

from __future__ import annotations

from typing import ClassVar

from alpacabench.perturbation.base import Kind
from alpacabench.perturbation.written import WrittenVariants


class Paraphrase(WrittenVariants):
    """The same request in other words, by a person or a model; the gate labels what it cannot confirm."""

    kind: ClassVar[Kind] = "meaning_preserving"
