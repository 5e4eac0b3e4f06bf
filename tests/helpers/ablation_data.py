"""Ablations made up: a system whose chance to win each prompt is known, and what wordings do to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from alpacabench.analysis.ablation.variant import Kind, Seen, System, Variant
from alpacabench.analysis.finished_run import FinishedRun, Item
from alpacabench.perturbation.base import Perturbation
from alpacabench.perturbation.casing import Casing
from alpacabench.perturbation.length_constraint import LengthConstraint
from alpacabench.perturbation.punctuation import Punctuation
from alpacabench.perturbation.typos import Typos
from tests.helpers.report_data import ATTACKS, CATEGORIES, SCRIPT, TASKS

FAMILIES: dict[str, Perturbation] = {
    "casing": Casing(mode="lower"),
    "typos": Typos(),
    "punctuation": Punctuation(mode="strip"),
    "length_constraint": LengthConstraint(),
}
LEVELS = {"low": 0.5, "high": 1.0}


def instructions(n: int) -> list[str]:
    """Return n prompts of all kinds; the first ones attack the page."""
    return [ATTACKS[i] if i < len(ATTACKS) else f"{TASKS[i % len(TASKS)]} ({i})" for i in range(n)]


def finished(name: str, y: Sequence[float], texts: Sequence[str], **changed: Any) -> FinishedRun:
    """Return a run with these outcomes in [0, 1]."""
    items = {
        text: Item(
            index=i, instruction=text, preference=1 + float(y[i]),
            output=f"Answer {i} of {name}. " + "word " * (i % 40),
            reference="The reference. " + "word " * (i % 30) + SCRIPT, length=20.0 + 5 * (i % 40) + (i * len(name)) % 7,
            source="own", category=CATEGORIES[i % 3], slots=(i % 2 == 0,),
        )
        for i, text in enumerate(texts)
    }  # fmt: skip
    return FinishedRun(
        **({"name": name, "origin": name, "judge": "judge", "reference": "reference", "items": items} | changed)
    )


def variant(name: str, y: Sequence[float], texts: Sequence[str], kind: Kind = "robustness", **changed: Any) -> Variant:
    """Return a variant with the texts that its family makes; without them where no family has its name."""
    family, _, level = name.rpartition("_")
    prompts: dict[str, Seen] = {}
    if family in FAMILIES:
        found = (FAMILIES[family].edit(text, LEVELS[level] / 5, 0, str(i)) for i, text in enumerate(texts))
        prompts = {
            text: Seen(new.text, edit_ratio=new.n_edits / len(text)) for text, new in zip(texts, found, strict=True)
        }
    return Variant(name, finished(name, y, texts, **changed), LEVELS.get(level), kind, prompts)


def system(
    n: int = 200, seed: int = 0, floors: int = 3, broken: Mapping[str, float] | None = None,
    names: Sequence[str] = ("casing_low", "casing_high", "typos_low", "typos_high", "punctuation_low"),
) -> System:  # fmt: skip
    """Return a system whose chance to win is drawn for each prompt, the same under every wording that is not broken.

    Args:
        n: prompts.
        seed: of everything.
        floors: re-decodes.
        broken: variant to the factor by which its wording multiplies the chance to win.
        names: the variants.

    """
    rng, texts = np.random.default_rng(seed), instructions(n)
    chance = rng.beta(0.5, 0.7, n)

    def decode(factor: float = 1.0) -> list[float]:
        return (rng.random(n) < chance * factor).astype(float).tolist()

    broken = broken or {}
    return System(
        base=variant("base", decode(), texts),
        variants=tuple(
            variant(name, decode(broken.get(name, 1.0)), texts, "effect" if name.startswith("length") else "robustness")
            for name in names
        ),
        floors=tuple(variant(f"floor_{number}", decode(), texts) for number in range(1, floors + 1)),
    )


def planted() -> System:
    """Return a system that breaks on lower case, and loses a little where its length is limited."""
    found = system(
        n=240, broken={"casing_low": 0.8, "casing_high": 0.35, "length_constraint_high": 0.6},
        names=("casing_low", "casing_high", "typos_low", "typos_high", "punctuation_low", "length_constraint_high"),
    )  # fmt: skip
    typos = found.variants[3]
    rejected = {
        text: Seen(seen.text, None, seen.edit_ratio, False, ("the word 'moon' is missing",)) if i % 9 == 0 else seen
        for i, (text, seen) in enumerate(typos.prompts.items())
    }
    changed = Variant(typos.name, typos.run, typos.strength, typos.kind, rejected)
    return System(found.base, (*found.variants[:3], changed, *found.variants[4:]), found.floors)


def without_lengths(found: System) -> System:
    """Return the system without its answers: there is no length control, which takes most of the time."""

    def shortened(variant: Variant) -> Variant:
        items = {text: replace(item, output=None, length=None) for text, item in variant.run.items.items()}
        return replace(variant, run=replace(variant.run, items=items))

    return System(shortened(found.base), tuple(map(shortened, found.variants)), tuple(map(shortened, found.floors)))
