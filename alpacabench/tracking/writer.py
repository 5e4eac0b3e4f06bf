"""Write one job into its MLflow run: few batched calls, every text redacted, every limit kept."""

from __future__ import annotations

import hashlib
import json
import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from alpacabench.core.printable import printable
from alpacabench.io.json_text import dumps
from alpacabench.security.output import shown
from alpacabench.security.redact import redact, redact_mapping, redact_tree
from alpacabench.tracking.base import BASE, NOTE, JobRecord
from alpacabench.tracking.example import ExampleRow
from alpacabench.tracking.metric_groups import grouped
from alpacabench.tracking.models import link_model
from alpacabench.tracking.prompts import linked_prompts
from alpacabench.tracking.refusals import Refused, is_refusal, names, require_at_hand
from alpacabench.tracking.runs import FAILURE, NAME_LENGTH, TAG_LENGTH
from alpacabench.tracking.system import collected

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

TABLE = "examples.json"
"""The table of prompts and answers."""
PARAM_LENGTH = 500
"""Characters; what every version of MLflow accepts. The whole value is in config.yaml."""
PARAMS_PER_CALL = 100
METRICS_PER_CALL = 900
DIGEST_LENGTH = 36
SHOWN_FIRST = (
    "win_rate", "standard_error", "win_rate_ci_low", "win_rate_ci_high", "length_controlled_winrate",
    "lc_standard_error", "discrete_win_rate", "n_total", "n_failed", "cost_usd",
)  # fmt: skip
"""MLflow shows metrics as columns in the order in which they were written."""

UNSENT = "MLflow did not take all of it, which waits on disk: `alpacabench sync` sends it, and the run is whole"

Item = TypeVar("Item")


def write(client: MlflowClient, run_id: str, job: JobRecord) -> None:
    """Write parameters, metrics, tags, data set, table and files, and end the run: without what MLflow refuses."""
    refused, run = Refused(), client.get_run(run_id)
    linked = linked_prompts(client, run.info.experiment_id, job.prompts) if job.prompts else {}
    _log_values(client, run, replace(job, tags={**job.tags, **linked}), _ended(job), refused)
    if job.dataset:
        with refused.part("the data set"):
            _log_dataset(client, run_id, job.dataset)
    if job.model:
        with refused.part("the model"):
            link_model(client, run, job.params, job.model)
    with refused.part("the files"):
        _log_files(client, run, job)
    refused.tell(job.directory)
    client.set_terminated(run_id, "FAILED" if job.failure else "FINISHED", _ended(job))


def end_unsent(client: MlflowClient, run_id: str, job: JobRecord) -> None:
    """End a run of which MLflow has not got all: as failed, with the reason, until `alpacabench sync` sends it."""
    client.set_tag(run_id, FAILURE, UNSENT)
    client.set_terminated(run_id, "FAILED", _ended(job))


def compare_again(client: MlflowClient, run_id: str, parent: JobRecord) -> None:
    """Write the figures and files of a finished sweep again where it is now compared with another base."""
    base = parent.tags.get(BASE)
    if base is None or (run := client.get_run(run_id)).data.tags.get(BASE) == redact(base):
        return
    refused = Refused()
    again = replace(parent, params={}, sweep=None, tags={BASE: base, NOTE: parent.tags.get(NOTE, "")}, failure=None)
    _log_values(client, run, again, _ended(parent), refused)
    with refused.part("the files"):
        _log_files(client, run, parent)
    refused.tell(parent.directory)


def shortened(text: str, length: int) -> str:
    """Return the text, or its start and a digest of the whole where it is too long."""
    if len(text) <= length:
        return text
    return f"{text[: length - 20]}... ({hashlib.sha256(text.encode()).hexdigest()[:12]})"


def table(rows: Iterable[ExampleRow]) -> Iterator[str]:
    """Yield the table of prompts and answers as MLflow's evaluation view reads it: JSON, part by part."""
    columns = ["index", "category", "instruction", "prompt", "output", "reference", "preference", "verdicts", "failure"]
    before = f'{{"columns": {dumps(columns)}, "data": ['
    for r in rows:
        texts = [r.instruction, r.prompt, r.output, r.reference]
        cells = [r.index, r.category, *texts, r.preference, _verdicts(r), r.failure]
        yield before + dumps(redact_tree(cells))
        before = ", "
    yield "]}" if before == ", " else f"{before}]}}"


def _verdicts(row: ExampleRow) -> str:
    """Return the verdicts in one line: judge, slot and preference of each."""
    return "; ".join(
        f"{v.judge} {'model' if v.model_first else 'reference'} first: "
        + (f"{v.preference:.3f}" if v.preference is not None else f"none ({v.failure})")
        for v in row.verdicts
    )


def _ended(job: JobRecord) -> int:
    """Return milliseconds since the epoch."""
    return round((job.ended or job.started) * 1000)


def _log_values(client: MlflowClient, run: Run, job: JobRecord, timestamp: int, refused: Refused) -> None:
    from mlflow.entities import Metric, Param, RunTag

    run_id = run.info.run_id
    tags = redact_mapping(job.tags) | ({FAILURE: redact(job.failure)} if job.failure else {})
    if job.examples:
        tags["mlflow.loggedArtifacts"] = json.dumps([{"path": TABLE, "type": "table"}])
    tag_names = names(list(tags))
    run_tags = [RunTag(tag_names[key], shortened(printable(value), TAG_LENGTH)) for key, value in tags.items()]
    chosen = dict(job.params) | dict(job.sweep.params if job.sweep else {})
    # A continued run has its parameters, and MLflow lets nobody change them: a sweep's axes may come in another order.
    known = run.data.params
    shown_metrics = _shown_first(grouped(job.metrics))
    param_names, metric_names = names(list(chosen)), names(list(shown_metrics))
    params = [
        Param(param_names[key], shortened(printable(value), PARAM_LENGTH))
        for key, value in redact_mapping(chosen).items()
        if param_names[key] not in known
    ]
    metrics = [
        Metric(metric_names[key], float(value), timestamp, job.step)
        for key, value in shown_metrics.items()
        if math.isfinite(float(value))
    ]
    metrics += collected(run_id)
    if len(params) <= PARAMS_PER_CALL and len(metrics) <= METRICS_PER_CALL - len(params) - len(run_tags):
        try:
            client.log_batch(run_id, metrics, params, run_tags)
            return
        except Exception as error:
            if not is_refusal(error):
                raise
    refused.send("tag", run_tags, lambda part: client.log_batch(run_id, tags=part))
    for some in batches(params, PARAMS_PER_CALL):
        refused.send("parameter", some, lambda part: client.log_batch(run_id, params=part))
    for many in batches(metrics, METRICS_PER_CALL):
        refused.send("metric", many, lambda part: client.log_batch(run_id, metrics=part))


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield the items in lists of at most `size`."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _shown_first(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: metrics[name] for name in SHOWN_FIRST if name in metrics} | dict(metrics)


def _log_dataset(client: MlflowClient, run_id: str, card: Mapping[str, Any]) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.log_inputs(run_id, [_dataset(card)])
    except MlflowException:
        # MLflow looks, then inserts: a job that ends at the same moment may have been in between. Now it is found.
        client.log_inputs(run_id, [_dataset(card)])


def _dataset(card: Mapping[str, Any]) -> Any:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    licence = {"licence": card.get("licence")}
    dataset = Dataset(
        name=shortened(shown(str(card["name"])), NAME_LENGTH),
        digest=str(card["digest"])[:DIGEST_LENGTH],
        source_type="alpacabench",
        source=json.dumps(
            {"source": shortened(redact(str(card.get("source", ""))), TAG_LENGTH), "licence": card.get("licence")}
        ),
        profile=json.dumps({"num_rows": card.get("rows"), "digest": card["digest"]} | licence),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "eval")])


def _log_files(client: MlflowClient, run: Run, job: JobRecord) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        if job.config:
            (directory / "config.yaml").write_text(redact(job.config), encoding="utf-8")
        if job.examples:
            with (directory / TABLE).open("w", encoding="utf-8") as file:
                file.writelines(table(job.examples))
        for path in job.files:
            if path.is_file():
                (directory / path.name).symlink_to(path.resolve())
        if any(directory.iterdir()):
            require_at_hand(run.info.artifact_uri)
            client.log_artifacts(run.info.run_id, str(directory))
