"""MLflow's review queues over blinded traces: what the labelling page does, in MLflow's own pages.

An item of a queue ends with its first answer, and an answer is shown with its trace to everybody. So each person has a
queue and traces of their own, in an experiment that holds nothing else.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from alpacabench.core.errors import DataError
from alpacabench.core.hosts import public_url
from alpacabench.core.records import digest
from alpacabench.tracking.client import Unreachable, connect, experiment_id
from alpacabench.tracking.links import queues_page
from alpacabench.tracking.mlflow_internals import known_traces, store_traces, trace_store
from alpacabench.tracking.traces import PER_BATCH, SCHEMA, span
from alpacabench.tracking.uri import is_databricks
from alpacabench.tracking.writer import batches

if TYPE_CHECKING:
    from mlflow.entities import Span, TraceInfo
    from mlflow.tracking import MlflowClient

EXPERIMENT = "alpacabench-labels"
QUESTION = "Which answer is better?"
ANSWERS = {"First answer": 1.0, "Second answer": 2.0, "Tie": 1.5, "Cannot say": None}
MOST_OF_A_POLICY = 1000
"""Characters of an instruction that MLflow takes."""
PAIR, LABELLER, POLICY = "alpacabench.pair", "alpacabench.labeller", "alpacabench.policy"
"""Tags of a trace."""


class Pair(Protocol):
    """Two answers to one instruction, in the order in which they are shown."""

    @property
    def id(self) -> str:
        """What a label names the pair by."""

    @property
    def instruction(self) -> str:
        """The request."""

    @property
    def first(self) -> str:
        """The answer shown first."""

    @property
    def second(self) -> str:
        """The other one."""


@dataclass(frozen=True, slots=True)
class Queue:
    """One person's queue."""

    name: str
    n_items: int
    n_new: int
    """Of these, how many this call has added."""
    page: str | None = None
    """Address of the experiment's queues; None where the server's pages have addresses of their own."""


def queue_name(labeller: str, policy: str) -> str:
    """Return the name of a person's queue under a policy."""
    return f"{labeller} ({policy})"


def fill_queues(
    uri: str, experiment: str, labellers: Sequence[str], pairs: Sequence[Pair], policy: str, text: str
) -> list[Queue]:
    """Make each person's queue, or add to it what it lacks; a second call with the same pairs adds nothing.

    Args:
        uri: the tracking URI.
        experiment: its name; made where there is none.
        labellers: people's names.
        pairs: what they are to label; MLflow shows them in an order of its own.
        policy: its digest.
        text: what people are told.

    """
    _reached(uri)
    home, store = experiment_id(uri, experiment), trace_store(uri)
    question = _question(store, home, policy, text)
    made = [_fill(store, home, name, pairs, policy, question) for name in labellers]
    return [replace(queue, page=queues_page(uri, home)) for queue in made]


def read_queues(uri: str, experiment: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what people answered, as rows of a label file with where each stands.

    A declined item is "cannot say"; of several answers to one item the last counts.

    Raises:
        DataError: no such experiment, or no queue of ours in it.

    """
    found = _reached(uri).get_experiment_by_name(experiment)
    store = trace_store(uri)
    queues = list(_pages(store.list_review_queues, found.experiment_id)) if found else []
    if not queues:
        raise DataError(
            f"--mlflow: no review queue in the experiment '{experiment}'\n    make some: label RUN --mlflow"
        )
    for queue in queues:
        for item in _pages(store.list_review_queue_items, queue.queue_id):
            row = _row(store.get_trace_info(item.item_id), str(item.status))
            if row:
                yield f"{queue.name}, {item.item_id}", row


def _reached(uri: str) -> MlflowClient:
    if is_databricks(uri):
        raise DataError("--mlflow: Databricks has review queues of its own\n    use the page: leave out --mlflow")
    try:
        return connect(uri)
    except Unreachable as error:
        place = public_url(uri)
        remedy = "set MLFLOW_TRACKING_URI or --tracking-uri"
        raise DataError(f"--mlflow: nothing answers at {place}: {error}\n    {remedy}") from error


def _row(trace: TraceInfo, status: str) -> dict[str, Any] | None:
    tags = trace.tags
    if PAIR not in tags:
        return None
    row = {"id": tags[PAIR], "labeller": tags.get(LABELLER), "policy": tags.get(POLICY)}
    said = [
        one
        for one in trace.assessments
        if one.name.startswith(QUESTION) and one.valid is not False and one.source.source_type == "HUMAN"
    ]
    if said:
        last = max(said, key=lambda one: one.last_update_time_ms or 0)
        return row | {"preference": ANSWERS.get(last.value, last.value)}
    return row | {"preference": None} if status == "declined" else None


def _question(store: Any, experiment: str, policy: str, text: str) -> str:
    """Return the id of the question that asks under this policy."""
    from mlflow.exceptions import MlflowException
    from mlflow.genai.label_schemas import InputCategorical

    name = f"{QUESTION} ({policy})"
    with suppress(MlflowException):
        return str(store.get_label_schema_by_name(experiment, name).schema_id)
    made = store.create_label_schema(
        experiment, name=name, type="feedback", input=InputCategorical(list(ANSWERS)), instruction=text
    )
    return str(made.schema_id)


def _fill(store: Any, experiment: str, labeller: str, pairs: Sequence[Pair], policy: str, question: str) -> Queue:
    from mlflow.exceptions import MlflowException

    name = queue_name(labeller, policy)
    try:
        queue = store.get_review_queue_by_name(experiment, name=name)
    except MlflowException:
        queue = store.create_review_queue(
            experiment, name=name, queue_type="custom", users=[labeller], schema_ids=[question]
        )
    held = {item.item_id for item in _pages(store.list_review_queue_items, queue.queue_id)}
    ids = {_trace_id(experiment, name, pair): pair for pair in pairs}
    now = round(time.time() * 1000)
    for batch in batches(ids.items(), PER_BATCH):
        known = known_traces(store, [trace_id for trace_id, _ in batch])
        missing = [(trace_id, pair) for trace_id, pair in batch if trace_id not in known]
        infos = [_info(trace_id, experiment, pair, labeller, policy, now) for trace_id, pair in missing]
        store_traces(store, experiment, infos, [_span(trace_id, pair, now) for trace_id, pair in missing])
        store.add_items_to_review_queue(queue.queue_id, item_ids=[trace_id for trace_id, _ in batch])
    return Queue(name, len(held | set(ids)), len(set(ids) - held))


def _trace_id(experiment: str, queue: str, pair: Pair) -> str:
    return f"tr-{digest(['label', experiment, queue, pair.id])[:32]}"


def _info(trace_id: str, experiment: str, pair: Pair, labeller: str, policy: str, now: int) -> TraceInfo:
    from mlflow.entities import TraceInfo, TraceLocation, TraceState

    return TraceInfo(
        trace_id=trace_id,
        trace_location=TraceLocation.from_experiment_id(experiment),
        request_time=now,
        execution_duration=0,
        state=TraceState.OK,
        # Whole: this is what the page of a queue shows, as Markdown.
        request_preview=pair.instruction,
        response_preview=_both(pair),
        trace_metadata={"mlflow.trace_schema.version": SCHEMA},
        tags={"mlflow.traceName": "pair", PAIR: pair.id, LABELLER: labeller, POLICY: policy},
    )


def _both(pair: Pair) -> str:
    return f"# First answer\n\n{_closed(pair.first)}\n\n---\n\n# Second answer\n\n{pair.second}"


def _closed(text: str) -> str:
    """Return Markdown that ends outside code: an answer that was cut would take the next one into its own."""
    return text + "\n```" if len(re.findall(r"^ *```", text, re.MULTILINE)) % 2 else text


def _span(trace_id: str, pair: Pair, now: int) -> Span:
    request = {"messages": [{"role": "user", "content": pair.instruction}]}
    answers = {"First answer": pair.first, "Second answer": pair.second}
    own, at = digest([trace_id, "root"])[:16], now * 1_000_000
    return span(trace_id, own, None, "pair", "CHAIN", (at, at), request, answers)


def _pages(ask: Any, of: str) -> Iterator[Any]:
    """Yield what all pages of an answer hold."""
    token: str | None = None
    while True:
        page = ask(of, page_token=token)
        yield from page
        token = page.token
        if not token:
            return
