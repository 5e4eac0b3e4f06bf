"""`tracking.redact`: what a run shows, writes and tracks is masked; the store alone keeps the originals."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from alpacabench.checks.base import Check
from alpacabench.checks.masking import Mask
from alpacabench.checks.privacy import Privacy
from alpacabench.checks.secrets import Secrets
from alpacabench.run.experiment import Experiment
from alpacabench.run.pipeline import Evaluation

log = logging.getLogger(__name__)

CHECKS: Mapping[str, type[Check]] = {"privacy": Privacy, "secrets": Secrets}


def redacted(experiment: Experiment, evaluation: Evaluation) -> Evaluation:
    """Return the evaluation with every text masked, and the number of masked places as `n_redacted`.

    A check that the run makes as well is used as it is configured; rates and scores are those of the original texts.
    """
    names = experiment.tracking.redact
    if not names:
        return evaluation
    mask = Mask({name: experiment.checks.get(name) or CHECKS[name]() for name in names})
    outcomes = [mask.outcome(outcome) for outcome in evaluation.outcomes]
    canaries = [mask.verdict(verdict) for verdict in evaluation.canaries]
    log.info("%d places masked in what is written and tracked (%s)", mask.n, ", ".join(names))
    evaluation.scores.metrics["n_redacted"] = mask.n
    return replace(evaluation, outcomes=outcomes, canaries=canaries)
