"""What people say of a run's pairs, and what that makes of its judge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from alpacabench.analysis.estimate import Estimate, decimal
from alpacabench.analysis.finished_run import FinishedRun
from alpacabench.analysis.trust import agreement
from alpacabench.analysis.trust.calibration import calibrated_p, calibration_interval, held_out_temperature
from alpacabench.analysis.trust.corrected import corrected
from alpacabench.analysis.trust.finding import FEW, Part, unknown
from alpacabench.analysis.trust.label_file import KEY, by_item, checked, of_run, pair_id, read_label_files
from alpacabench.analysis.trust.people import among
from alpacabench.core.errors import DataError
from alpacabench.scoring.arrays import Floats
from alpacabench.scoring.normal import Z_95

__all__ = ["pair_id", "people_findings", "read_labels"]

SLIGHT = 0.2
"""Kappa at and below which agreement is slight (Landis and Koch 1977)."""
MIN_TEMPERATURE = 60
"""Labels without draws that a temperature and its trial need."""
MISFIT = 0.1
"""An adaptive calibration error that a judge may have."""


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


def people_findings(y: Floats, labels: dict[str, Floats]) -> tuple[list[Part], dict[str, Any]]:
    """Return agreement and calibration, to be decided with all tests of the judge, and the figures behind them.

    Args:
        y: the judge's mean y in [0, 1] by prompt, NaN where there is none.
        labels: preferences by labeller, over the same prompts.

    """
    people = np.stack(list(labels.values()))
    with np.errstate(invalid="ignore"):
        known = np.any(~np.isnan(people), axis=0) & ~np.isnan(y)
        truth = np.where(known, majority(people), np.nan)
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


def majority(people: Floats) -> Floats:
    """Return the y that most people give each prompt, of shape (people, prompts): 0, 0.5 or 1; NaN where nobody did.

    Of several people the majority, as alpaca_eval takes it; equal numbers are a draw.
    """
    truth = np.full(people.shape[1], np.nan)
    known = np.any(~np.isnan(people), axis=0)
    truth[known] = (np.sign(np.nansum(np.sign(people[:, known] - 1.5), axis=0)) + 1) / 2
    return truth


def _agreement(n: int, alike: Estimate | None, share: Estimate | None, among: Estimate | None) -> Part:
    """Return the finding; its p-value takes kappa's interval for a normal one."""
    from scipy.special import ndtr

    if n < FEW or alike is None or share is None or not alike.interval:
        return unknown("agreement", f"{n} labels; {FEW} with wins of both sides are needed")
    people = f"; among people, alpha is {among.text(2)}" if among else ""
    text = f"judge and people agree in {share.percent()} of {n} pairs, kappa {alike.text(2)}{people}"
    error = (alike.interval[1] - alike.interval[0]) / (2 * Z_95)
    p = float(ndtr((alike.value - SLIGHT) / error)) if error > 0 else float(alike.value > SLIGHT)
    return Part("agreement", text, alike, p)


def _calibration(y: Floats, won: Floats) -> tuple[Part, Any]:
    if len(won) < MIN_TEMPERATURE or np.ptp(won) == 0:
        return unknown("calibration", f"{len(won)} labels without draws; {MIN_TEMPERATURE} are needed"), None
    if np.all(np.isin(y, (0, 0.5, 1))):
        return unknown("calibration", "the judge gives whole verdicts, no probabilities"), None
    fitted = held_out_temperature(y, won)
    whole = calibration_interval(y, won)
    text = (
        f"adaptive calibration error {whole.text(3)}; on the held-out half, ECE {decimal(fitted.before.ece, 3)}, "
        f"Brier {decimal(fitted.before.brier, 3)}, and with temperature {decimal(fitted.value, 2)}, "
        f"ECE {decimal(fitted.after.ece, 3)}, Brier {decimal(fitted.after.brier, 3)}"
    )
    # A small error is no fault, however certain it is.
    p = calibrated_p(y, won) if whole.value > MISFIT else 1.0
    return Part("calibration", text, whole, p), fitted
