"""One job under Hydra: configuration in, files and a tracked run out."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from alpacabench import config, files, pipeline
from alpacabench.config import Experiment
from alpacabench.pipeline import Evaluation
from alpacabench.store.store import Store

log = logging.getLogger(__name__)


def run(cfg: DictConfig) -> float | None:
    """Evaluate one job; returns its objective.

    In a sweep the job never raises through Hydra, which would print a traceback and leave the sweep's end out: its
    failure is written into `job.json`, and the objective is NaN.
    """
    hydra = HydraConfig.get()
    directory = Path(hydra.runtime.output_dir)
    if hydra.mode == RunMode.MULTIRUN:
        from alpacabench.sweep.job import run_in_sweep

        return run_in_sweep(cfg, hydra, directory)
    experiment = config.load(cfg, hydra.runtime.choices)
    if experiment.settings.plan:
        from alpacabench.plan import show

        show([experiment])
        return None
    metrics = execute(experiment, directory)
    return metrics.get(experiment.settings.objective, math.nan)
