"""The Datasets page: an evaluation data set for each set of prompts, with those that runs were asked.

A server or a database without evaluation data sets is left as it is: runs name their data in their inputs anyway.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from alpacabench.security.redact import redact_tree
from alpacabench.tracking.example import ExampleRow, request
from alpacabench.tracking.lock import one_at_a_time
from alpacabench.tracking.mlflow_internals import trace_store

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

log = logging.getLogger(__name__)

DIGEST = "alpacabench.dataset_digest"
"""Tag of an evaluation data set, as of the runs on it: the digest of its rows."""
MOST = 1000
"""Data sets of an experiment that are looked through."""
SUBSET = "alpacabench.subset."
"""How the tags begin that say which subsets are in it already."""


def fill_dataset(client: MlflowClient, experiment: str, run_id: str, rows: Sequence[ExampleRow]) -> None:
    """Put a run's prompts and references into the evaluation data set of its data, made where there is none.

    Args:
        client: of the run's server.
        experiment: the experiment's id.
        run_id: the run, whose tags name its data.
        rows: its examples.

    """
    from mlflow.exceptions import MlflowException

    tags = client.get_run(run_id).data.tags
    if DIGEST not in tags:
        return
    subset = f"{SUBSET}{tags.get('alpacabench.subset_hash', '')}"
    try:
        with one_at_a_time(client.tracking_uri):
            known = {DIGEST: tags[DIGEST]}
            # Not by a filter: MLflow's takes no tag with a dot in its name.
            listed = client.search_datasets([experiment], max_results=MOST)
            found = next((one for one in listed if known.items() <= (one.tags or {}).items()), None)
            dataset = found or client.create_dataset(tags["alpacabench.dataset"], [experiment], known)
            if subset in (dataset.tags or {}):
                return
            records = [_record(row) for row in rows]
            trace_store(client.tracking_uri).upsert_dataset_records(dataset.dataset_id, records)
            client.set_dataset_tags(dataset.dataset_id, {subset: str(len(records))})
    except (MlflowException, NotImplementedError, AttributeError) as error:
        log.info("MLflow's Datasets page stays without these prompts: %s", error)


def _record(row: ExampleRow) -> dict[str, Any]:
    expected = {"expected_response": row.reference} if row.reference is not None else {}
    tags = {"index": str(row.index), "category": row.category, "source": row.source}
    return {
        "inputs": redact_tree(request(row)),
        "expectations": redact_tree(expected),
        "tags": {name: value for name, value in tags.items() if value},
    }
