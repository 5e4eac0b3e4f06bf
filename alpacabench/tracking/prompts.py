"""The Prompts page: judge templates and system prompts, one version for each distinct content, linked to their runs."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from alpacabench.core.exchange import Message
from alpacabench.core.printable import printable
from alpacabench.core.records import digest
from alpacabench.security.redact import first_line, redact_tree
from alpacabench.tracking.lock import one_at_a_time
from alpacabench.tracking.mlflow_internals import add_prompt_version, find_prompt_version
from alpacabench.tracking.uri import is_catalogue, is_databricks

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

log = logging.getLogger(__name__)

Template = str | Sequence[Message]
"""A text, or a chat; `{{instruction}}` stands for what is filled in."""

LINKED = "mlflow.linkedPrompts"
"""Tag of a run: the versions of prompts that it used, as MLflow itself links them."""
MOST = 20
"""Prompts of one run that are registered: more of them are data, and stand beside the answers."""
NAME_LENGTH = 100
FORBIDDEN = re.compile(r"[^A-Za-z0-9_.-]+")


def linked_prompts(client: MlflowClient, experiment: str, prompts: Mapping[str, Sequence[Template]]) -> dict[str, str]:
    """Register what is not there yet, and return the tag that links a run to its prompts; costs no run anything.

    Args:
        client: of the run's server; the registry is its own, or the one of MLFLOW_REGISTRY_URI.
        experiment: id of the experiment whose Prompts page shows them.
        prompts: templates by the prompt's name.

    """
    # A prompt there lives in a catalogue and a schema, which nobody has named.
    registry = str(client._registry_uri)
    if is_databricks(registry) or is_catalogue(registry):
        return {}
    named = [(name, template) for name, templates in prompts.items() for template in templates][:MOST]
    links = [
        {"name": plain, "version": version}
        for plain, template in ((_plain(name), template) for name, template in named)
        if (version := _version(client, experiment, plain, _text(template)))
    ]
    return {LINKED: json.dumps(links)} if links else {}


def _text(template: Template) -> str:
    """Return a template as JSON, without secrets and without what no database takes."""
    return printable(json.dumps(redact_tree(template), ensure_ascii=False))


def _plain(name: str) -> str:
    return FORBIDDEN.sub("_", name)[:NAME_LENGTH] or "prompt"


@lru_cache(maxsize=256)
def _version(client: MlflowClient, experiment: str, name: str, template: str) -> str | None:
    """Return the version of a template, registered where there is none; None where the registry does not take it.

    Remembered: a sweep's jobs, which share their prompts, ask once.
    """
    content = digest(template)[:32]
    try:
        with one_at_a_time(client.tracking_uri):
            found = find_prompt_version(client, name, content)
            return found or add_prompt_version(client, experiment, name, json.loads(template), content)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the registry, which is no part of the result
        log.warning("MLflow's prompt registry stays without '%s' (%s)", name, first_line(error))
        return None
