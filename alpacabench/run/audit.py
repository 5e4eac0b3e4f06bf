"""What the record of a run says: who ran what, when, on which data, with which judge, code and configuration."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from alpacabench.core.records import Example, digest
from alpacabench.core.version import __version__
from alpacabench.io.audit import AUDIT, hashed, write_record
from alpacabench.io.manifest import MANIFEST, Run
from alpacabench.run.experiment import Experiment
from alpacabench.run.metadata import git_commit, user
from alpacabench.run.pipeline import Inputs
from alpacabench.security.redact import redact
from alpacabench.tracking.base import JobRecord
from alpacabench.tracking.uri import tracking_uri

FORM = 1
"""Version of the record's form."""
HYDRA = ".hydra"
MULTIRUN = "multirun.yaml"


def write_audit(experiment: Experiment, inputs: Inputs, job: JobRecord, tracked: Run) -> Path:
    """Write audit.json into the run's directory, over all files that the run wrote; returns its path."""
    record = _record(experiment, inputs, job) | {"tracked": _tracked(experiment, tracked)}
    return write_record(job.directory, record, [*job.files, *_hydra(job.directory)])


def _tracked(experiment: Experiment, run: Run) -> dict[str, str] | None:
    """Return the MLflow run and where it is; None where there is none yet."""
    return {"run_id": run.run_id, "uri": redact(tracking_uri(experiment.tracking.uri))} if run.run_id else None


def _hydra(directory: Path) -> Iterable[Path]:
    return (directory / HYDRA).glob("*.yaml")


def _record(experiment: Experiment, inputs: Inputs, job: JobRecord) -> dict[str, Any]:
    judge = experiment.judge.content()
    return {
        **_ended(job),
        "what": {"name": job.name, "sweep": job.sweep.identity if job.sweep else None, "params": dict(job.params)},
        "data": _data(inputs, experiment.dataset.path),
        "judge": {"label": experiment.judge.label, "sha256": digest(judge), "content": judge},
        "code": _code(),
        "configuration": {
            "identity": experiment.identity,
            "sha256": hashlib.sha256(job.config.encode()).hexdigest(),
            "resolved": job.config,
        },
        "metrics": dict(job.metrics),
    }


def _ended(job: JobRecord) -> dict[str, Any]:
    return {
        "form": FORM,
        "directory": str(job.directory.absolute()),
        "status": "failed" if job.failure else "finished",
        "failure": job.failure,
        "who": {"user": user(), "host": platform.node()},
        "when": {"started": _time(job.started), "ended": _time(job.ended or job.started)},
    }


def _data(inputs: Inputs, path: str | None) -> dict[str, Any]:
    """Return the data set's card, the chosen prompts by hash, and whose they are where the rows say so."""
    chosen = [prompt.example for prompt in inputs.prompts]
    file = Path(path).expanduser() if path else None
    return {
        **inputs.dataset,
        "file_sha256": hashed(file)["sha256"] if file and file.is_file() else None,
        "subset_hash": inputs.subset_hash,
        "prompts": len(chosen),
        "sources": _counted(chosen, "source"),
        "licences": _counted(chosen, "licence"),
    }


def _counted(examples: Iterable[Example], field: str) -> Mapping[str, int]:
    """Return the number of prompts by source or licence; one without is counted as 'not given'."""
    return dict(sorted(Counter(getattr(example, field) or "not given" for example in examples).items()))


def write_sweep_audit(sweep: JobRecord, jobs: Iterable[Path]) -> Path:
    """Write audit.json into a sweep's directory, over its own files and the records of its jobs; returns its path."""
    found = [sweep.directory / name for name in (MANIFEST, MULTIRUN)] + [job / AUDIT for job in jobs]
    inside = [path for path in found if path.is_file() and path.is_relative_to(sweep.directory)]
    what = {"name": sweep.name, "sweep": sweep.identity, "params": dict(sweep.params)}
    record = {**_ended(sweep), "what": what, "code": _code(), "metrics": dict(sweep.metrics)}
    return write_record(sweep.directory, record, [*sweep.files, *inside])


@lru_cache(maxsize=1)
def _code() -> dict[str, Any]:
    """Return version, commit and Python, and one hash over the names and versions of all installed packages."""
    places = (Path(place) for place in sys.path)
    installed = sorted({found.stem for place in places for found in place.glob("*.dist-info")})
    return {
        "alpacabench": __version__,
        "commit": git_commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": len(installed),
        "packages_sha256": digest(installed),
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
