"""The MLflow runs of jobs and sweeps, known again by their tags, so that nothing is logged twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alpacabench.core.errors import ConfigError, Problem
from alpacabench.io.manifest import Run
from alpacabench.security.output import shown
from alpacabench.security.redact import redact
from alpacabench.store.owner import new_owner, of_this_host, surely_dead
from alpacabench.tracking.base import JobRecord

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

JOB = "alpacabench.job"
"""Tag: the identity of the job; a sweep's parent run has none."""
SWEEP = "alpacabench.sweep"
"""Tag: the identity of the sweep; a single run has none."""
OWNER = "alpacabench.owner"
"""Tag: the process that writes the run."""
TRACES = "alpacabench.traces"
"""Tag: how many traces the run has, once they are written."""
FAILURE = "failure"
"""Tag: why the run failed."""
PARENT = "mlflow.parentRunId"

PAGE = 1000
NAME_LENGTH = 250
TAG_LENGTH = 5000
"""Characters of a value; what every version and database of MLflow accepts."""
FINISHED = "FINISHED"
RUNNING = "RUNNING"


@dataclass(frozen=True, slots=True)
class SweepRuns:
    """The runs that a sweep has already."""

    parent: Run | None
    jobs: Mapping[str, Run]
    """By the job's identity in the sweep."""


def find_sweep(client: MlflowClient, experiment: str, identity: str) -> SweepRuns:
    """Return the parent run and the children of a sweep; where a job has several, a finished one."""
    runs = _find(client, experiment, {SWEEP: identity})
    parents = [run for run in runs if JOB not in run.data.tags]
    ordered = sorted((run for run in runs if JOB in run.data.tags), key=lambda run: run.info.status == FINISHED)
    return SweepRuns(_run(parents[0]) if parents else None, {run.data.tags[JOB]: _run(run) for run in ordered})


def find_interrupted(client: MlflowClient, experiment: str, job: JobRecord) -> str | None:
    """Return the single run, under the same parent, that an earlier process left unfinished when it died."""
    for run in _find(client, experiment, {JOB: job.identity}):
        tags = run.data.tags
        if tags.get(PARENT) != job.parent:
            continue
        if run.info.status == RUNNING and SWEEP not in tags and OWNER in tags and surely_dead(tags[OWNER]):
            return str(run.info.run_id)
    return None


def find_unsent(client: MlflowClient, run_id: str | None, job: JobRecord) -> str | None:
    """Return the run that was begun for a spooled job, where this server has it and it is not whole."""
    from mlflow.exceptions import MlflowException

    if run_id is None:
        return None
    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
        return None  # it waits for another server
    own = run.data.tags.get(JOB) == job.identity and SWEEP not in run.data.tags
    return run_id if own and run.info.status != FINISHED and run.info.lifecycle_stage == "active" else None


def begin(client: MlflowClient, experiment: str, job: JobRecord) -> Run:
    """Create the job's run, or continue the one that an interrupted call left.

    One that another living process writes at this moment stays with it: the same sweep was started twice.
    """
    link = job.sweep
    if link is None:
        left = find_interrupted(client, experiment, job)
        return Run(resume(client, left) if left else create(client, experiment, job))
    # Asked again just before: since the sweep was opened, an equal one may have created the run.
    own = {JOB: link.job, PARENT: str(link.parent_run_id)}
    known = sorted(_find(client, experiment, own), key=lambda run: run.info.status == FINISHED)
    if known and known[-1].info.status == FINISHED:
        return _run(known[-1])
    if known and _written_elsewhere(known[-1]):
        return Run(str(known[-1].info.run_id), finished=True, traced=True)
    left = str(known[-1].info.run_id) if known else link.run.run_id
    return Run(resume(client, left) if left else create(client, experiment, job))


def goes_on(client: MlflowClient, run_id: str) -> bool:
    """Return whether another process still writes a run, as far as one can know from this host."""
    run = client.get_run(run_id)
    owner = run.data.tags.get(OWNER)
    return bool(run.info.status == RUNNING) and not (owner and (surely_dead(owner) or _our_own(owner)))


def create(client: MlflowClient, experiment: str, job: JobRecord) -> str:
    """Create a running run with the tags that make it known again; return its id."""
    link = job.sweep
    tags = (
        {key: shown(value)[:TAG_LENGTH] for key, value in job.tags.items()}
        | {OWNER: new_owner()}
        | ({PARENT: job.parent} if job.parent else {})
    )
    if link is None:
        tags[JOB] = job.identity
    else:
        tags[SWEEP] = link.identity
        if link.job:
            tags |= {JOB: link.job, PARENT: str(link.parent_run_id)}
    name = shown(link.name if link and link.name else job.name)[:NAME_LENGTH]
    run = client.create_run(experiment, start_time=round(job.started * 1000), tags=tags, run_name=name)
    return str(run.info.run_id)


def require_parent(client: MlflowClient, job: JobRecord) -> None:
    """Refuse a parent that does not exist: MLflow would take it, and show the run under nothing.

    Raises:
        ConfigError: there is no such run.

    """
    from mlflow.exceptions import MlflowException

    if job.parent is None:
        return
    try:
        client.get_run(job.parent)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
        what = f"given '{job.parent}', and there is no such run at {redact(client.tracking_uri)}"
        remedy = "give the id of a run that MLflow shows there, or leave it at null"
        raise ConfigError([Problem("tracking.parent", what, remedy)]) from error


def resume(client: MlflowClient, run_id: str) -> str:
    """Set a run that was interrupted to running, and ours; return its id."""
    client.update_run(run_id, status=RUNNING)
    client.set_tag(run_id, OWNER, new_owner())
    if FAILURE in client.get_run(run_id).data.tags:
        client.delete_tag(run_id, FAILURE)
    return run_id


def _written_elsewhere(run: Any) -> bool:
    """Return whether another process of this host is at the run; of another host, one cannot know."""
    owner: str = run.data.tags.get(OWNER, "")
    return run.info.status == RUNNING and of_this_host(owner) and not surely_dead(owner) and not _our_own(owner)


def _our_own(owner: str) -> bool:
    return owner.rpartition(":")[0] == new_owner().rpartition(":")[0]


def _run(run: Any) -> Run:
    return Run(str(run.info.run_id), run.info.status == FINISHED, TRACES in run.data.tags)


def _find(client: MlflowClient, experiment: str, tags: Mapping[str, str]) -> list[Any]:
    """Return the active runs that have these tags, oldest first."""
    wanted = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())
    runs: list[Any] = []
    token = None
    while True:
        page = client.search_runs([experiment], wanted, max_results=PAGE, order_by=["start_time"], page_token=token)
        runs.extend(page)
        token = page.token
        if not token:
            return runs
