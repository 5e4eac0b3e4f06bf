"""MLflow's own store for many traces at once: one transaction on a database, a few requests at a time to a server."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.entities import Span, TraceInfo

REQUESTS_AT_ONCE = 8


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
            shared.log_spans(experiment, spans)
    else:
        with ThreadPoolExecutor(REQUESTS_AT_ONCE) as threads:
            list(threads.map(store.start_trace, infos))
        store.log_spans(experiment, spans)


@contextmanager
def _one_transaction(store: Any, experiment: str) -> Iterator[Any]:
    """Yield a copy of a database store whose calls share one session: a commit for each call is most of its time."""
    found = store.get_experiment(experiment)
    shared = copy.copy(store)
    with store.ManagedSessionMaker(read_only=False) as session:

        @contextmanager
        def same_session(read_only: bool = True) -> Iterator[Any]:
            yield session

        shared.ManagedSessionMaker = same_session
        shared.get_experiment = lambda _: found
        yield shared
