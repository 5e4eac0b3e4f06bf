"""One variant against the base: difference, flips, what of it is beyond the noise floor, and what was edited."""

from __future__ import annotations

import re
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, Literal

import numpy as np

from alpacabench.analysis.ablation.floor import excess_flips, exchangeable_p, mean_estimate
from alpacabench.analysis.ablation.outcomes import Outcomes
from alpacabench.analysis.ablation.table import VariantRow
from alpacabench.analysis.ablation.variant import System, Variant
from alpacabench.analysis.decision import claim_p, detectable
from alpacabench.analysis.estimate import Estimate
from alpacabench.analysis.length_fits import fit_runs
from alpacabench.judge.slot import moved_share
from alpacabench.scoring.arrays import Bools
from alpacabench.scoring.multiplicity import holm
from alpacabench.scoring.paired import FEW_DRAWS, compare_length_controlled, compare_win_rates, compare_winners
from alpacabench.scoring.win_rate import score_win_rate

if TYPE_CHECKING:
    from alpacabench.scoring.difficulty import DifficultyTable

DRAWS = 1_000
"""Resamples of each interval that is not taken from the influence of each prompt."""
LEAST_BASE = 0.01
"""Win rate of the base, as a share, below which the ratio of two win rates says nothing."""
AT_MOST = re.compile(r"\bat most (\d+) words\b", re.IGNORECASE)


def effect_rows(system: System, outcomes: Outcomes, table: DifficultyTable | None, margin: float) -> list[VariantRow]:
    """Return one row for each variant with two comparable prompts, p-values adjusted for all tests of all of them."""
    rows = []
    for number, variant in enumerate(system.variants):
        counted = outcomes.counted(number)
        if counted.sum() > 1:
            row = _row(variant, variant.kind, system.base, outcomes, counted, table, margin)
            rows.append(_beyond_floor(row, outcomes, number))
    tests = [p for row in rows for p in (row.delta_p, row.excess_p) if p is not None]
    adjusted = iter(holm(tests).tolist())
    found = []
    for row in rows:
        by_test = [next(adjusted) for p in (row.delta_p, row.excess_p) if p is not None]
        found.append(replace(row, p_holm=min(by_test), delta_p_holm=by_test[0]))
    return found


def floor_rows(
    system: System, outcomes: Outcomes, table: DifficultyTable | None, margin: float
) -> tuple[VariantRow, ...]:
    """Return one row for each re-decode of the unchanged prompts."""
    known = outcomes.decoded
    if known.sum() < 2:
        return ()
    return tuple(_row(floor, "floor", system.base, outcomes, known, table, margin) for floor in system.floors)


def _row(
    variant: Variant, kind: Literal["robustness", "effect", "floor"], base: Variant, outcomes: Outcomes,
    counted: Bools, table: DifficultyTable | None, margin: float,
) -> VariantRow:  # fmt: skip
    texts = [text for text, counts in zip(outcomes.instructions, counted, strict=True) if counts]
    before, after = base.run.only(texts), variant.run.only(texts)
    columns = (texts, before.preferences, texts, after.preferences)
    delta, flips = compare_win_rates(*columns, margin=margin, draws=DRAWS), compare_winners(*columns)
    lc = fit_runs([before, after], table, FEW_DRAWS)
    rate = score_win_rate(variant.run.preferences, draws=DRAWS)
    flipped = set(flips.flipped)
    changed = [variant.changed(text) for text in texts]
    told = bool(variant.prompts)
    return VariantRow(
        name=variant.name,
        family=variant.family,
        kind=kind,
        strength=variant.strength,
        n=len(texts),
        n_rejected=sum(not variant.seen(text).same_task for text in outcomes.instructions),
        win_rate=Estimate(rate.win_rate, rate.win_rate_ci_low, rate.win_rate_ci_high),
        delta_wr=Estimate.of_delta(delta),
        delta_p=claim_p(delta),
        mde_80=delta.mde_80,
        detectable=detectable(delta),
        equivalent=delta.equivalent,
        equivalence_p=delta.equivalence_p,
        delta_lc=Estimate.of_delta(compare_length_controlled(lc.fits[0], lc.fits[1], margin)) if lc.fits else None,
        lc_name=lc.metric,
        delta_len_ratio=_length_ratio(base, variant, texts),
        flip_rate=Estimate.of_shares(np.array([text in flipped for text in texts], dtype=np.float64)),
        n_win_to_loss=flips.n_win_to_loss,
        n_loss_to_win=flips.n_loss_to_win,
        mcnemar_p=flips.mcnemar_p,
        unchanged_share=100 * changed.count(False) / len(texts) if told else None,
        edit_ratio_mean=fmean(variant.seen(text).edit_ratio for text in texts) if told else None,
        delta_changed=_on_changed(before.preferences, after.preferences, changed) if told else None,
        violation_rate=_violation_rate(variant, texts),
        pdr=_drop_rate(before.preferences, after.preferences),
        slot_flip_share=_slot_flips(variant, texts),
    )


def _beyond_floor(row: VariantRow, outcomes: Outcomes, number: int) -> VariantRow:
    counted = outcomes.counted(number) & outcomes.decoded
    if len(outcomes.decodes) < 2 or counted.sum() < 2:
        return row
    decodes, variant = outcomes.decodes[:, counted], outcomes.variants[number, counted]
    excess = mean_estimate(excess_flips(decodes, variant))
    return replace(row, excess_flip=excess, excess_p=exchangeable_p(decodes, variant))


def _drop_rate(before: list[float], after: list[float]) -> float | None:
    """Return 1 - WR_p / WR_0 (PromptBench, arXiv 2306.04528); None where WR_0 is below `LEAST_BASE`."""
    base = fmean(before) - 1
    return 1 - (fmean(after) - 1) / base if base >= LEAST_BASE else None


def _length_ratio(base: Variant, variant: Variant, texts: list[str]) -> float | None:
    pairs = [(base.run.items[text].length, variant.run.items[text].length) for text in texts]
    known = [(before, after) for before, after in pairs if before is not None and after is not None]
    total = sum(before for before, _ in known)
    return sum(after for _, after in known) / total if total else None


def _on_changed(before: list[float], after: list[float], changed: list[bool]) -> Estimate | None:
    if sum(changed) < 2:
        return None
    return mean_estimate((np.array(after) - np.array(before))[changed])


def _violation_rate(variant: Variant, texts: list[str]) -> float | None:
    """Return how often the answer exceeds the limit that the variant added, in percent; None without a limit."""
    exceeded = []
    for text in texts:
        limit, output = AT_MOST.search(variant.seen(text).text), variant.run.items[text].output
        if limit and output is not None and not AT_MOST.search(text):
            exceeded.append(len(output.split()) > int(limit[1]))
    return 100 * fmean(exceeded) if exceeded else None


def _slot_flips(variant: Variant, texts: list[str]) -> float | None:
    """Return the share in percent of prompts whose slot alpaca_eval would choose anew if it read the variant.

    None where the judge reads the original, which pins the slot.
    """
    if variant.run.judge_settings.get("instruction") != "perturbed":
        return None
    seed = int(variant.run.judge_settings.get("seed") or 0)
    moved = moved_share(((text, variant.seen(text).text) for text in texts), seed)
    return None if moved is None else 100 * moved
