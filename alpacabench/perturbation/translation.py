"""Translated prompts from a file."""

from __future__ import annotations

from typing import ClassVar

from alpacabench.perturbation.base import Kind
from alpacabench.perturbation.variant_file import FileVariants


class Translation(FileVariants):
    """The request in another language; it changes the answer's language too, so it is an effect, not robustness."""

    kind: ClassVar[Kind] = "task_changing"
