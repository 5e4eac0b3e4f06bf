"""Everything that reaches into MLflow past its documented interface: its trace store, its span ids, its monitors.

Tried with MLflow 3.10.0, 3.17.2 and 3.18.0; what differs is told where it matters.
"""

from __future__ import annotations

import copy
import inspect
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.entities import Span, TraceInfo
    from mlflow.tracking import MlflowClient
    from opentelemetry.trace import SpanContext

REQUESTS_AT_ONCE = 8
CONTENT = "alpacabench.content"
"""Tag of a version of a prompt: the digest of its content."""


def sent_unasked() -> str | None:
    """Return what MLflow, or a database's driver, would send to any server that it is told; None for nothing."""
    from mlflow.utils.credentials import read_mlflow_creds

    for name in ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_AUTH", "PGPASSWORD"):
        if os.environ.get(name):
            return name
    known = read_mlflow_creds()
    return "the log-in of MLflow" if known.username or known.password else None


def trace_store(tracking_uri: str) -> Any:
    """Return MLflow's own store of traces, of a database or of a server."""
    from mlflow.tracing.client import TracingClient

    return TracingClient(tracking_uri).store


def known_traces(store: Any, trace_ids: Sequence[str]) -> set[str]:
    """Return which of these traces exist."""
    from mlflow.exceptions import MlflowException

    # The store of a server learnt to be asked for many at once after 3.10; before, its base class only says so.
    with suppress(NotImplementedError):
        return {info.trace_id for info in store.batch_get_trace_infos(list(trace_ids))}
    found = set()
    for trace_id in trace_ids:
        with suppress(MlflowException):
            found.add(store.get_trace_info(trace_id).trace_id)
    return found


def span_context(trace_number: int, span_number: int) -> SpanContext:
    """Return the context of a span as OpenTelemetry names it, marked as MLflow marks its own."""
    from mlflow.tracing.utils import build_otel_context

    context: SpanContext = build_otel_context(trace_number, span_number)
    return context


def monitors() -> list[Any]:
    """Return MLflow's monitors of this machine; the GPU's only where there is one."""
    from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
    from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
    from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor

    found = [CPUMonitor(), DiskMonitor()]
    # Without a GPU, or a library to ask it, there is nothing to watch.
    with suppress(ImportError, RuntimeError):
        found.append(GPUMonitor())
    return found


def store_traces(store: Any, experiment: str, infos: Sequence[TraceInfo], spans: Sequence[Span]) -> None:
    """Write traces with their assessments and spans.

    Args:
        store: MLflow's tracking store, of a database or of a server.
        experiment: id of the experiment.
        infos: the traces; none of them exists.
        spans: of all these traces.

    """
    if hasattr(store, "ManagedSessionMaker"):
        with _one_transaction(store, experiment) as shared:
            for info in infos:
                shared.start_trace(info)
            _log_spans(shared, experiment, spans)
    else:
        with ThreadPoolExecutor(REQUESTS_AT_ONCE) as threads:
            list(threads.map(store.start_trace, infos))
        _log_spans(store, experiment, spans)


def _log_spans(store: Any, experiment: str, spans: Sequence[Span]) -> None:
    from mlflow.exceptions import MlflowException

    try:
        store.log_spans(experiment, list(spans))
    except MlflowException:
        # 3.10 refuses spans of several traces before it writes any; what else is wrong is wrong again.
        by_trace: dict[str, list[Span]] = defaultdict(list)
        for span in spans:
            by_trace[span.trace_id].append(span)
        for found in by_trace.values():
            store.log_spans(experiment, found)


@contextmanager
def _one_transaction(store: Any, experiment: str) -> Iterator[Any]:
    """Yield a copy of a database store whose calls share one session: a commit for each call is most of its time."""
    found = store.get_experiment(experiment)
    shared = copy.copy(store)
    # Sessions that only read came after 3.10, and are what is given since then unless one says otherwise.
    takes = inspect.signature(store.ManagedSessionMaker).parameters
    with store.ManagedSessionMaker(**{"read_only": False} if "read_only" in takes else {}) as session:

        @contextmanager
        def same_session(read_only: bool = True) -> Iterator[Any]:
            yield session

        shared.ManagedSessionMaker = same_session
        shared.get_experiment = lambda _: found
        yield shared


def find_prompt_version(client: MlflowClient, name: str, content: str) -> str | None:
    """Return the version of a prompt that has this content; None where there is none.

    Args:
        client: of the registry.
        name: the prompt's.
        content: its digest, as the version is tagged.

    """
    wanted = f"name = '{name}' AND tag.`mlflow.prompt.is_prompt` = 'true' AND tag.`{CONTENT}` = '{content}'"
    found = client.search_model_versions(wanted, max_results=1)
    return str(found[0].version) if found else None


def add_prompt_version(client: MlflowClient, experiment: str, name: str, template: Any, content: str) -> str:
    """Register a version of a prompt, which the experiment's Prompts page then shows; return its number.

    MLflow's own `register_prompt` takes the experiment, and `link_prompt_version_to_run` the server, from the process's
    global state, which is not ours to set.
    """
    from mlflow.prompt.constants import PROMPT_EXPERIMENT_IDS_TAG_KEY

    registry = client._get_registry_client()
    known = registry.get_prompt(name)
    shown_in = (known.tags.get(PROMPT_EXPERIMENT_IDS_TAG_KEY, "") if known else "").strip(",").split(",")
    experiments = f",{','.join([*filter(None, shown_in), experiment])},"
    if known is None:
        registry.create_prompt(name, tags={PROMPT_EXPERIMENT_IDS_TAG_KEY: experiments})
    elif experiment not in shown_in:
        registry.set_prompt_tag(name, PROMPT_EXPERIMENT_IDS_TAG_KEY, experiments)
    return str(registry.create_prompt_version(name, template, tags={CONTENT: content}).version)
