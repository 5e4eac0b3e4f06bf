"""What a run's own verdicts say of its judge: examined when the run ends, beside its win rate."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from alpacabench.analysis.ended_run import of_outcomes
from alpacabench.analysis.trust import summary
from alpacabench.analysis.trust.judged import of_rows
from alpacabench.analysis.trust.trust import JudgeTrust, as_json, trust
from alpacabench.core.errors import DataError
from alpacabench.io.run_files import TRUST_FILE, canary_row, verdict_row, write_json
from alpacabench.run.experiment import Experiment
from alpacabench.run.pipeline import Evaluation

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Examined:
    """The findings on a run's judges."""

    found: tuple[JudgeTrust, ...] = ()
    files: tuple[Path, ...] = ()

    @property
    def lines(self) -> list[str]:
        """One line for each judge."""
        return [f"{one.judge}: {summary.line(one.findings)}" for one in self.found]

    @property
    def metrics(self) -> dict[str, float]:
        """Return what is tracked."""
        return summary.metrics(self.found)


def examine(experiment: Experiment, evaluation: Evaluation, directory: Path) -> Examined:
    """Examine the judges by the run's verdicts and write judge_trust.json beside them; what fails here fails no run."""
    if not experiment.judge.compares:
        return Examined()
    try:
        run = of_outcomes(str(directory), evaluation.outcomes, experiment.judge.label, experiment.resolved)
        verdicts = of_rows(run, (verdict_row(v) for o in evaluation.outcomes for v in o.verdicts), run.origin)
        known = of_rows(run, map(canary_row, evaluation.canaries), run.origin) if evaluation.canaries else {}
        found = tuple(trust(run, judged=(verdicts, known)))
    except DataError as error:
        log.warning("the judge could not be examined: %s", error)
        return Examined()
    return Examined(found, (write_json(directory / TRUST_FILE, as_json(run, found)),))
