"""What people say of a run's pairs, and what that makes of its judge.

A label's `id` is a digest of the pair's three texts, so that shuffled rows, other runs of the same answers and files of
several people meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from alpacabench.analysis.estimate import Estimate, decimal
from alpacabench.analysis.finished_run import FinishedRun, Item
from alpacabench.analysis.trust import agreement
from alpacabench.analysis.trust.biases import FEW, Finding
from alpacabench.analysis.trust.calibration import held_out_temperature
from alpacabench.analysis.trust.corrected import corrected
from alpacabench.core.errors import DataError
from alpacabench.core.records import digest
from alpacabench.io.rows import read_preference, read_rows
from alpacabench.scoring.arrays import Floats

KEY = "--labels"
SLIGHT = 0.2
"""Kappa at and below which agreement is slight (Landis and Koch 1977)."""
MIN_TEMPERATURE = 60
"""Labels without draws that a temperature and its trial need."""
MISFIT = 0.1
"""An adaptive calibration error that a judge may have; its interval is not known, so that it is no test."""


def pair_id(item: Item) -> str:
    """Return the id of a pair: 16 hexadecimal digits of its instruction, reference and answer."""
    return digest([item.instruction, item.reference, item.output])[:16]


def read_labels(paths: Sequence[str], run: FinishedRun) -> dict[str, Floats]:
    """Return each labeller's preferences over the run's prompts in order; NaN where there is none.

    Files are JSON, JSON lines or CSV with `id`, `labeller` and `preference`: 1, 1.5 or 2; null is "cannot say".

    Raises:
        DataError: a row without an id, a preference out of range, one labeller twice with other words, labels under
            several policies, or none that belong to this run.

    """
    place = {pair_id(item): number for number, item in enumerate(run.items.values())}
    found: dict[str, Floats] = {}
    policies = set()
    for path in paths:
        for number, row in enumerate(read_rows(path, KEY), start=1):
            where = f"{KEY}: {path}, row {number}"
            if not isinstance(row.get("id"), str):
                raise DataError(f"{where}: no 'id'\n    each label needs id, labeller and preference")
            policies.add(str(row.get("policy") or ""))
            value = read_preference(row.get("preference"), where)
            if row["id"] not in place:
                continue
            mine = found.setdefault(str(row.get("labeller") or path), np.full(len(place), np.nan))
            held = mine[place[row["id"]]]
            if not np.isnan(held) and held != value:
                raise DataError(f"{where}: '{row.get('labeller')}' has said {held:g} of this pair, and now {value:g}")
            mine[place[row["id"]]] = value
    if len(policies) > 1:
        raise DataError(f"{KEY}: labels under {len(policies)} policies are not one measurement; give those of one")
    if not found:
        raise DataError(f"{KEY}: none of the labels is of a pair of {run.name}\n    ids are made of the pair's texts")
    return found


def people_findings(y: Floats, labels: dict[str, Floats]) -> tuple[list[Finding], dict[str, Any]]:
    """Return agreement and calibration, and the figures behind them.

    Args:
        y: the judge's mean y in [0, 1] by prompt, NaN where there is none.
        labels: preferences by labeller, over the same prompts.

    """
    people = np.stack(list(labels.values()))
    with np.errstate(invalid="ignore"):
        known = np.any(~np.isnan(people), axis=0) & ~np.isnan(y)
        truth = np.full(len(y), np.nan)
        # Of several people the majority, as alpaca_eval takes it; equal numbers are a draw.
        truth[known] = (np.sign(np.nansum(np.sign(people[:, known] - 1.5), axis=0)) + 1) / 2
    rate = corrected(y, truth)
    alike = agreement.kappa(1 + y, 1 + truth)
    among = agreement.alpha(people) if len(people) > 1 else None
    replaced = agreement.alternative_annotator(1 + y, people)
    share = agreement.agreement_share(1 + y, 1 + truth)
    figures: dict[str, Any] = {
        "n_labelled": int(known.sum()), "n_labellers": len(people), "corrected": rate, "alpha_among_people": among,
        "kappa_with_judge": alike, "agreement_with_judge": share, "alternative_annotator": replaced,
        "kappa_between": {
            f"{one} / {two}": agreement.kappa(labels[one], labels[two]) for one, two in combinations(labels, 2)
        },
    }  # fmt: skip
    decided = known & (truth != 0.5)
    found, temperature = _calibration(y[decided], truth[decided])
    figures["temperature"] = temperature
    return [_agreement(int(known.sum()), alike, share, among), found], figures


def _agreement(n: int, alike: Estimate | None, share: Estimate | None, among: Estimate | None) -> Finding:
    if n < FEW or alike is None or share is None or not alike.interval:
        return Finding("agreement", "unknown", f"{n} labels; {FEW} with wins of both sides are needed")
    people = f"; among people, alpha is {among.text(2)}" if among else ""
    text = f"judge and people agree in {share.percent()} of {n} pairs, kappa {alike.text(2)}{people}"
    return Finding("agreement", "flag" if alike.interval[1] <= SLIGHT else "ok", text, alike.value, alike.interval)


def _calibration(y: Floats, won: Floats) -> tuple[Finding, Any]:
    if len(won) < MIN_TEMPERATURE or np.ptp(won) == 0:
        return Finding("calibration", "unknown", f"{len(won)} labels without draws; {MIN_TEMPERATURE} are needed"), None
    if np.all(np.isin(y, (0, 0.5, 1))):
        return Finding("calibration", "unknown", "the judge gives whole verdicts, no probabilities"), None
    fitted = held_out_temperature(y, won)
    ece, adaptive = decimal(fitted.before.ece, 3), decimal(fitted.before.ece_adaptive, 3)
    text = (
        f"on the held-out half, ECE {ece}, {adaptive} adaptive, "
        f"Brier {decimal(fitted.before.brier, 3)}; with temperature {decimal(fitted.value, 2)}, "
        f"ECE {decimal(fitted.after.ece, 3)}, Brier {decimal(fitted.after.brier, 3)}"
    )
    verdict = Finding(
        "calibration", "flag" if fitted.before.ece_adaptive > MISFIT else "ok", text, fitted.before.ece_adaptive
    )
    return verdict, fitted
