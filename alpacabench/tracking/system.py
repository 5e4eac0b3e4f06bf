"""What the machine does while a job runs: sampled in a thread, logged with the job's other metrics when it ends."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from alpacabench.core.context import owned
from alpacabench.tracking.mlflow_internals import monitors

if TYPE_CHECKING:
    from mlflow.entities import Metric

SECONDS = 10.0
"""Between two samples, at first."""
FIRST_SECONDS = 2.0
"""The longest that a run's end waits for the first sample."""
MOST = 200
"""Samples kept: beyond, every second one is dropped and the pause doubles, so that a long job has no more of them."""


@dataclass
class Watch:
    """The samples of one run: MLflow's own figures, under the names that its System metrics page shows."""

    samples: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    """(milliseconds since the epoch, values)."""
    done: threading.Event = field(default_factory=threading.Event)
    first: threading.Event = field(default_factory=threading.Event)
    """Set once there is a sample."""

    def sample(self, monitors: list[Any]) -> None:
        """Take samples until `done` is set, and at least one."""
        pause = SECONDS
        while not self.samples or not self.done.wait(pause):
            values: dict[str, float] = {}
            for monitor in monitors:
                monitor.collect_metrics()
                values |= monitor.aggregate_metrics()
                monitor.clear_metrics()
            self.samples.append((round(time.time() * 1000), values))
            self.first.set()
            if len(self.samples) > MOST:
                self.samples, pause = self.samples[::2], pause * 2


class Watches(dict[str, Watch]):
    """The runs that are watched, by id."""


def watch(run_id: str) -> None:
    """Start to sample for a run."""
    owned(Watches)[run_id] = watching = Watch()
    threading.Thread(target=watching.sample, args=(monitors(),), daemon=True, name="system metrics").start()


def collected(run_id: str) -> list[Metric]:
    """Stop to sample for a run; return what was found, nothing where the run was not watched."""
    from mlflow.entities import Metric

    watched = owned(Watches).pop(run_id, None)
    if watched is None:
        return []
    watched.done.set()
    # A job from the store can end before the first sample is taken.
    watched.first.wait(FIRST_SECONDS)
    return [
        Metric(f"system/{name}", float(value), timestamp, step)
        for step, (timestamp, values) in enumerate(list(watched.samples))
        for name, value in values.items()
    ]
