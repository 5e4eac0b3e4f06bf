"""The outcomes of a system's runs as arrays over the prompts that all of them have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alpacabench.analysis.ablation.variant import System, Variant
from alpacabench.scoring.arrays import Bools, Floats, outcomes


@dataclass(frozen=True)
class Outcomes:
    """y in [0, 1] by run and prompt; NaN where there is no verdict."""

    instructions: tuple[str, ...]
    """Shared by all runs, sorted."""
    decodes: Floats
    """Of the unchanged prompts, the base first; shape (decodes, prompts)."""
    variants: Floats
    """Shape (variants, prompts)."""
    valid: Bools
    """Whether a variant counts on a prompt: it keeps the task, or changes it on purpose; shape (variants, prompts)."""

    @classmethod
    def of(cls, system: System) -> Outcomes:
        """Collect the outcomes of every run."""
        runs = (*system.decodes, *system.variants)
        shared = tuple(sorted(set.intersection(*(set(variant.run.items) for variant in runs))))
        return cls(
            shared,
            decodes=_rows(system.decodes, shared),
            variants=_rows(system.variants, shared),
            valid=np.array(
                [[not v.gated or v.seen(text).same_task for text in shared] for v in system.variants], dtype=bool
            ).reshape(len(system.variants), len(shared)),
        )

    @property
    def base(self) -> Floats:
        """The base's outcomes."""
        return np.asarray(self.decodes[0])

    @property
    def decoded(self) -> Bools:
        """Prompts with a verdict in every decode of the unchanged prompts."""
        return np.asarray(~np.isnan(self.decodes).any(axis=0))

    def counted(self, variant: int) -> Bools:
        """Return the prompts on which a variant is compared with the base."""
        return np.asarray(self.valid[variant] & ~np.isnan(self.variants[variant]) & ~np.isnan(self.base))


def _rows(variants: tuple[Variant, ...], shared: tuple[str, ...]) -> Floats:
    rows = [outcomes([variant.run.items[text].preference for text in shared]) for variant in variants]
    return np.array(rows, dtype=np.float64).reshape(len(variants), len(shared))
