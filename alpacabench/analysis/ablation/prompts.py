"""The prompts that flip most, and those on which a variant changed the task."""

from __future__ import annotations

import numpy as np

from alpacabench.analysis.ablation.floor import WIN
from alpacabench.analysis.ablation.outcomes import Outcomes
from alpacabench.analysis.ablation.table import FlippingPrompt, Rejected, Reworded
from alpacabench.analysis.ablation.variant import System, Variant
from alpacabench.dataset.taxonomy import label
from alpacabench.scoring.arrays import Bools

MOST_FLIPPING = 12
SHOWN_VARIANTS = 4
"""Variants of one prompt that are shown in full."""
SHOWN_REJECTED = 3
"""Rejected prompts of each variant."""


def flipping_prompts(system: System, outcomes: Outcomes) -> tuple[FlippingPrompt, ...]:
    """Return the prompts whose winner changes in the largest share of variants, beyond that of re-decodes.

    A variant that had nothing to edit in a prompt is one more re-decode of it, and does not count here.
    """
    base = outcomes.base > WIN
    counted = np.array(
        [outcomes.counted(number) & _edited(variant, outcomes) for number, variant in enumerate(system.variants)],
        dtype=bool,
    ).reshape(-1, len(base))
    flips = counted & ((outcomes.variants > WIN) != base)
    floors = ~np.isnan(outcomes.decodes[1:])
    floor_flips = floors & ((outcomes.decodes[1:] > WIN) != base)
    n, again = counted.sum(axis=0), floors.sum(axis=0)
    lead = flips.sum(axis=0) / np.maximum(1, n) - floor_flips.sum(axis=0) / np.maximum(1, again)
    change = np.abs(np.where(flips, outcomes.variants - outcomes.base, 0.0)).sum(axis=0)
    order = [int(i) for i in np.lexsort((-change, -lead)) if flips[:, i].any()]
    return tuple(
        _prompt(
            system,
            outcomes.instructions[i],
            [variant for variant, flipped in zip(system.variants, flips[:, i], strict=True) if flipped],
            (int(flips[:, i].sum()), int(n[i]), int(floor_flips[:, i].sum()), int(again[i])),
        )
        for i in order[:MOST_FLIPPING]
    )


def rejected_prompts(system: System, outcomes: Outcomes) -> tuple[Rejected, ...]:
    """Return some prompts of each variant that the gate rejected, and why; families that mean to are left out."""
    found: list[Rejected] = []
    for variant in system.variants:
        if variant.gated:
            texts = [text for text in outcomes.instructions if not variant.seen(text).same_task]
            found += [_rejected(variant, text) for text in texts[:SHOWN_REJECTED]]
    return tuple(found)


def _prompt(system: System, text: str, flipped: list[Variant], counts: tuple[int, int, int, int]) -> FlippingPrompt:
    base = system.base.run.items[text]
    flipped = sorted(flipped, key=lambda variant: -abs(variant.run.items[text].preference - base.preference))
    return FlippingPrompt(
        index=base.index,
        instruction=text,
        category=base.category or label(text),
        reference=base.reference,
        output=base.shown,
        preference=base.preference,
        n_flipped=counts[0],
        n_variants=counts[1],
        n_floor_flipped=counts[2],
        n_floors=counts[3],
        variants=tuple(_reworded(variant, text) for variant in flipped[:SHOWN_VARIANTS]),
    )


def _reworded(variant: Variant, text: str) -> Reworded:
    seen, item = variant.seen(text), variant.run.items[text]
    return Reworded(variant.name, seen.text, seen.system, item.shown, item.preference)


def _edited(variant: Variant, outcomes: Outcomes) -> Bools:
    """Return whether the model saw another wording; always, where the files do not tell."""
    return np.array([not variant.prompts or variant.changed(text) for text in outcomes.instructions], dtype=bool)


def _rejected(variant: Variant, text: str) -> Rejected:
    seen = variant.seen(text)
    return Rejected(variant.name, variant.run.items[text].index, text, seen.text, seen.reasons)
