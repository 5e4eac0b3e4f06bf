"""`tracking.redact`: what a run shows, writes and tracks is masked; the store alone keeps the originals."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from alpacabench.checks.base import Check
from alpacabench.checks.masking import Mask
from alpacabench.checks.privacy import Privacy
from alpacabench.checks.secrets import Secrets
from alpacabench.core.records import Example
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
    mask = _mask(experiment)
    outcomes = [mask.outcome(outcome) for outcome in evaluation.outcomes]
    canaries = [mask.verdict(verdict) for verdict in evaluation.canaries]
    log.info("%d places masked in what is written and tracked (%s)", mask.n, ", ".join(names))
    evaluation.scores.metrics["n_redacted"] = mask.n
    return replace(evaluation, outcomes=outcomes, canaries=canaries)


def prompts(experiment: Experiment, evaluation: Evaluation) -> dict[str, list[Any]]:
    """Return the judge's templates and the system prompts that the model had, masked, by name: what is registered.

    Args:
        experiment: the job.
        evaluation: what it found, masked already.

    """
    judged = [(f"alpacabench-judge-{name}", chat) for name, chat in experiment.judge.templates()]
    given = dict.fromkeys(outcome.prompt.system or experiment.model.system_prompt for outcome in evaluation.outcomes)
    mask, found = _mask(experiment), defaultdict[str, list[Any]](list)
    for name, chat in judged:
        found[name].append([message | {"content": mask.template(message["content"])} for message in chat])
    if systems := [mask.template(text) for text in given if text]:
        found["alpacabench-system-prompt"] = systems
    return dict(found)


def _mask(experiment: Experiment) -> Mask:
    return Mask({name: experiment.checks.get(name) or CHECKS[name]() for name in experiment.tracking.redact})


def shown_examples(experiment: Experiment, examples: Sequence[Example]) -> list[Example]:
    """Return rows of the data set as they are shown and written: masked where the run masks."""
    if not experiment.tracking.redact:
        return list(examples)
    mask = _mask(experiment)
    return [mask.example(one) for one in examples]
