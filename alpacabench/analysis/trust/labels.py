"""What people say of a run's pairs, and what that makes of its judge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from alpacabench.analysis.estimate import Estimate, decimal
from alpacabench.analysis.finished_run import FinishedRun
from alpacabench.analysis.trust import agreement
from alpacabench.analysis.trust.biases import FEW, Finding
from alpacabench.analysis.trust.calibration import held_out_temperature
from alpacabench.analysis.trust.corrected import corrected
from alpacabench.analysis.trust.label_file import KEY, by_item, checked, of_run, pair_id, read_label_files
from alpacabench.analysis.trust.people import among
from alpacabench.core.errors import DataError
from alpacabench.scoring.arrays import Floats

__all__ = ["pair_id", "people_findings", "read_labels"]

SLIGHT = 0.2
"""Kappa at and below which agreement is slight (Landis and Koch 1977)."""
MIN_TEMPERATURE = 60
"""Labels without draws that a temperature and its trial need."""
MISFIT = 0.1
"""An adaptive calibration error that a judge may have; its interval is not known, so that it is no test."""


def read_labels(paths: Sequence[str], run: FinishedRun) -> dict[str, Floats]:
    """Return each labeller's preferences over the run's prompts in order; NaN where there is none.

    Raises:
        DataError: rows that cannot be used, one labeller twice with other words, labels under several policies, or none
            that belong to this run.

    """
    items = list(run.items.values())
    found = of_run(read_label_files(paths), items)
    if not found:
        raise DataError(f"{KEY}: none of the labels is of a pair of {run.name}\n    ids are made of the pair's texts")
    # Under the two orders of a pair a person may have said two things.
    return by_item(checked(found), items)


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
    agreed = among(labels)
    replaced = agreement.alternative_annotator(1 + y, people)
    share = agreement.agreement_share(1 + y, 1 + truth)
    figures: dict[str, Any] = {
        "n_labelled": int(known.sum()), "n_labellers": len(people), "corrected": rate,
        "alpha_among_people": agreed.alpha,
        "kappa_with_judge": alike, "agreement_with_judge": share, "alternative_annotator": replaced,
        "kappa_between": {f"{one} / {two}": found.kappa for (one, two), found in agreed.between.items()},
    }  # fmt: skip
    decided = known & (truth != 0.5)
    found, temperature = _calibration(y[decided], truth[decided])
    figures["temperature"] = temperature
    return [_agreement(int(known.sum()), alike, share, agreed.alpha), found], figures


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
