"""What a run's own verdicts say of its judge: examined when the run ends, beside its win rate."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from alpacabench.analysis.finished_run import judge_models, read_run
from alpacabench.analysis.trust import summary
from alpacabench.analysis.trust.trust import JudgeTrust, as_json, trust
from alpacabench.core.errors import DataError
from alpacabench.io.run_files import TRUST_FILE, write_json
from alpacabench.run.experiment import Experiment

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


def examine(experiment: Experiment, directory: Path) -> Examined:
    """Examine the judges by the run's files and write judge_trust.json beside them; what fails here fails no run."""
    if not experiment.judge.compares:
        return Examined()
    try:
        run = read_run(str(directory))
        resolved = experiment.resolved
        run = replace(run, judge_models=judge_models(resolved["judge"]), model_path=experiment.model.path or "")
        found = tuple(trust(run))
    except DataError as error:
        log.warning("the judge could not be examined: %s", error)
        return Examined()
    return Examined(found, (write_json(directory / TRUST_FILE, as_json(run, found)),))
