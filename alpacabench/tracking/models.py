"""The Logged models page: one entry for each model or checkpoint, which its runs are inputs of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from alpacabench.core.context import owned
from alpacabench.core.records import digest
from alpacabench.security.output import shown
from alpacabench.security.redact import redact
from alpacabench.tracking.lock import one_at_a_time

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

MODEL = "alpacabench.model"
"""Tag of a logged model: a digest of its path and revision."""
FORBIDDEN = str.maketrans(dict.fromkeys("/:.%\"'", "_"))
"""What MLflow does not take in a model's name."""
KEYS = ("model.path", "model.revision", "model.base_url")
NAME_LENGTH = 200


class Entries:
    """The ids of models that this call has found or made, by server, experiment and identity."""

    def __init__(self) -> None:
        self.ids: dict[tuple[str, str, str], str] = {}


def link_model(client: MlflowClient, run: Run, params: Mapping[str, str], name: str) -> None:
    """Note which model a run evaluated; an entry of the same model is found again.

    Args:
        client: of the run's server.
        run: the run.
        params: the run's parameters, of which `model.path` and `model.revision` name the model.
        name: the model's label.

    """
    from mlflow.entities import LoggedModelInput

    known = {key: redact(params[key]) for key in KEYS if key in params}
    identity, experiment = digest(known)[:32], run.info.experiment_id
    entries, place = owned(Entries).ids, (client.tracking_uri, experiment, identity)
    if place not in entries:
        with one_at_a_time(client.tracking_uri):
            found = client.search_logged_models([experiment], f"tags.`{MODEL}` = '{identity}'", max_results=1)
            if found:
                entries[place] = found[0].model_id
            else:
                plain = shown(name).translate(FORBIDDEN)[:NAME_LENGTH] or "model"
                made = client.create_logged_model(experiment, plain, tags={MODEL: identity}, params=known)
                entries[place] = client.finalize_logged_model(made.model_id, "READY").model_id
    client.log_inputs(run.info.run_id, models=[LoggedModelInput(entries[place])])
