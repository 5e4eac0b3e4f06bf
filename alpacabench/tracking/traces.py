"""Examples as MLflow traces of a run: the verdict is an assessment by the judge, the reference is an expectation.

Written after the job, through MLflow's own store or REST interface: a trace goes with all its assessments, and the
spans of many examples go together.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from alpacabench.core.records import digest
from alpacabench.security.redact import redact_tree
from alpacabench.tracking.datasets import fill_dataset
from alpacabench.tracking.example import ExampleRow, VerdictRow, request, request_ids
from alpacabench.tracking.mlflow_internals import known_traces, span_context, store_traces, trace_store
from alpacabench.tracking.pending import Pending
from alpacabench.tracking.runs import TRACES
from alpacabench.tracking.writer import batches

if TYPE_CHECKING:
    from mlflow.entities import Assessment, Span, TraceInfo
    from mlflow.tracking import MlflowClient

PER_BATCH = 100
"""Traces in one transaction: others can write to a SQLite database in between."""
PREVIEW = 1000
"""Characters of the request and the answer that MLflow's lists show."""
SCHEMA = "3"


def write_traces(client: MlflowClient, experiment: str, run_id: str, rows: Sequence[ExampleRow], ended_ms: int) -> None:
    """Write one trace per example; one that is there already stays as it is."""
    store = trace_store(client.tracking_uri)
    ids = (f"tr-{digest([run_id, row.index, *([row.turn] if row.turn else [])])[:32]}" for row in rows)
    named = zip(ids, rows, request_ids(rows), strict=True)
    for batch in batches(named, PER_BATCH):
        known = known_traces(store, [trace_id for trace_id, *_ in batch])
        missing = [found for found in batch if found[0] not in known]
        infos = [_info(trace_id, experiment, run_id, row, asked, ended_ms) for trace_id, row, asked in missing]
        spans = [span for trace_id, row, _ in missing for span in _spans(trace_id, row, ended_ms)]
        store_traces(store, experiment, infos, spans)


def write_pending(client: MlflowClient, waiting: Pending) -> int:
    """Write the traces that a job left, and tag its run with their number, which is returned."""
    write_traces(client, waiting.experiment, waiting.run_id, waiting.examples, waiting.ended_ms)
    fill_dataset(client, waiting.experiment, waiting.run_id, waiting.examples)
    client.set_tag(waiting.run_id, TRACES, str(len(waiting.examples)))
    return len(waiting.examples)


def _info(trace_id: str, experiment: str, run_id: str, row: ExampleRow, asked: str, ended_ms: int) -> TraceInfo:
    from mlflow.entities import TraceInfo, TraceLocation, TraceState

    duration = round(row.seconds * 1000)
    asked_for, answer = json.dumps(request(row), ensure_ascii=False), json.dumps(row.output, ensure_ascii=False)
    tokens = {
        "input_tokens": row.prompt_tokens,
        "output_tokens": row.completion_tokens,
        "total_tokens": row.prompt_tokens + row.completion_tokens,
    }
    return TraceInfo(
        trace_id=trace_id,
        client_request_id=digest(row.instruction)[:16],
        trace_location=TraceLocation.from_experiment_id(experiment),
        request_time=ended_ms - duration,
        execution_duration=duration,
        state=TraceState.OK if row.output is not None else TraceState.ERROR,
        # As text: cut JSON would be shown as it is.
        request_preview=(row.asked[-1] if row.turn else row.instruction)[:PREVIEW],
        response_preview=(row.output or "")[:PREVIEW],
        trace_metadata={
            "mlflow.sourceRun": run_id,
            "mlflow.traceInputs": asked_for[:PREVIEW],
            "mlflow.traceOutputs": answer[:PREVIEW],
            "mlflow.trace.tokenUsage": json.dumps(tokens),
            "mlflow.trace_schema.version": SCHEMA,
            # The turns of a dialogue are one session of a run.
            **({"mlflow.trace.session": digest([run_id, row.index])[:32]} if row.turn else {}),
        },
        tags={
            "mlflow.traceName": "example", "index": str(row.index), "category": row.category, "source": row.source,
            **({"turn": str(row.turn)} if row.turn else {}),
            # What `mlflow.genai.compare_evaluations` pairs two runs by: their requests alone may repeat.
            "mlflow.eval.requestId": asked,
        },
        assessments=list(_assessments(row, run_id, trace_id)),
    )  # fmt: skip


def _assessments(row: ExampleRow, run_id: str, trace_id: str) -> Iterator[Assessment]:
    """Yield the verdict (preference in [1, 2], and whether the model wins), the reference, and each check's finding."""
    from mlflow.entities import AssessmentError, AssessmentSource, Expectation, Feedback

    judges = sorted({verdict.judge for verdict in row.verdicts})
    judge = AssessmentSource("LLM_JUDGE", ", ".join(judges) or "none")
    common: dict[str, Any] = {
        "source": judge, "trace_id": trace_id, "metadata": {"mlflow.assessment.sourceRunId": run_id}
    }  # fmt: skip
    if row.preference is None and row.failure is None and not row.verdicts:
        pass  # there was no judge
    elif row.preference is None:
        error = AssessmentError("NO_VERDICT", row.failure or "no verdict")
        yield Feedback(name="preference", error=error, **common)
    else:
        yield Feedback(name="preference", value=row.preference, rationale=_rationale(row.verdicts), **common)
        if row.preference != 1.5:
            yield Feedback(name="win", value=row.preference > 1.5, **common)
    if row.reference is not None:
        source = AssessmentSource("CODE", row.reference_generator)
        yield Expectation(name="expected_response", value=row.reference, **common | {"source": source})
    for check in row.checks:
        by_code = common | {"source": AssessmentSource("CODE", f"checks.{check.check}")}
        name = f"violation/{check.check}"
        if check.failure:
            yield Feedback(name=name, error=AssessmentError("NOT_CHECKED", check.failure), **by_code)
        else:
            yield Feedback(name=name, value=check.violates, rationale="\n".join(check.findings) or None, **by_code)


def _rationale(verdicts: Sequence[VerdictRow]) -> str:
    shown = (("model" if v.model_first else "reference", v.failure or f"{v.preference:.3f}") for v in verdicts)
    return "; ".join(f"{first} shown first: {found}" for first, found in shown)


def _spans(trace_id: str, row: ExampleRow, ended_ms: int) -> Iterator[Span]:
    """Yield the root span, one for the answer (with the text that the model saw), and one per call and verdict."""
    end = ended_ms * 1_000_000
    start = end - round(row.seconds * 1_000_000_000)
    root, answer = digest([trace_id, "root"])[:16], digest([trace_id, "answer"])[:16]
    seen: dict[str, Any] = {"messages": list(row.said)} if row.turn else {"prompt": row.prompt}
    prompt = seen | ({"system": row.system} if row.system else {})
    finished = {"output": row.output, "finish_reason": row.finish_reason, "failure": row.failure}
    yield span(trace_id, root, None, "example", "CHAIN", (start, end), request(row), row.output)
    yield span(trace_id, answer, root, row.generator or "answer", "LLM", (start, end), prompt, finished)
    for number, call in enumerate(row.calls):
        own = digest([trace_id, "call", number])[:16]
        given, result = {"arguments": call.arguments}, {"result": call.text, "came": call.came}
        yield span(trace_id, own, answer, call.name or "tool", "TOOL", (end, end), given, result)
    for number, verdict in enumerate(row.verdicts):
        shown = {"instruction": row.instruction, "model_first": verdict.model_first, "repeat": verdict.repeat}
        found = {"preference": verdict.preference, "raw": redact_tree(verdict.raw), "failure": verdict.failure}
        own = digest([trace_id, number])[:16]
        yield span(trace_id, own, root, verdict.judge or "judge", "EVALUATOR", (end, end), shown, found)


def span(
    trace_id: str, span_id: str, parent: str | None, name: str, kind: str, times: tuple[int, int], inputs: Any,
    outputs: Any,
) -> Span:  # fmt: skip
    """Return a finished span; its ids are hexadecimal digits, its times nanoseconds since the epoch."""
    from mlflow.entities import Span
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Status, StatusCode

    number = int(trace_id.removeprefix("tr-"), 16)
    attributes = {
        "mlflow.traceRequestId": json.dumps(trace_id),
        "mlflow.spanType": json.dumps(kind),
        "mlflow.spanInputs": json.dumps(inputs, ensure_ascii=False),
        "mlflow.spanOutputs": json.dumps(outputs, ensure_ascii=False),
    }
    span = ReadableSpan(
        name=name,
        context=span_context(number, int(span_id, 16)),
        parent=span_context(number, int(parent, 16)) if parent else None,
        resource=Resource.get_empty(),
        attributes=attributes,
        start_time=times[0],
        end_time=times[1],
        status=Status(StatusCode.OK),
    )
    return Span(span)
