"""Tracking: where runs go, what is never written, what is written only once, and the way back from a spool."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alpacabench.core.errors import ConfigError, StageError
from alpacabench.io.manifest import SweepLink
from alpacabench.security.redact import HIDDEN, redact, redact_tree
from alpacabench.tracking import spool, uri
from alpacabench.tracking.base import JobRecord
from alpacabench.tracking.example import CallRow, drawn, request_ids
from alpacabench.tracking.mlflow import Mlflow
from alpacabench.tracking.pending import Pending, same_examples
from alpacabench.tracking.sync import sync
from tests.helpers import command
from tests.helpers.fakes.http_server import HttpServer, Request, Response, error
from tests.helpers.tracking_data import DEAD, client, example, job, run_of


@pytest.fixture(autouse=True)
def in_own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_job_is_written_whole_and_its_limits_are_kept(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracking = Mlflow(experiment="whole", uri=database)
    tracking.finish(tracking.start(job(tmp_path)), job(tmp_path))
    tracking.follow_up(tmp_path, [tmp_path])
    (run,) = run_of(database, "whole")
    assert (run.info.status, run.info.run_name) == ("FINISHED", "a job")
    assert run.data.metrics["win_rate"] == 50 and run.data.metrics["m1099"] == 1099
    assert "undefined" not in run.data.metrics
    assert 0 < run.data.metrics["system/system_memory_usage_percentage"] < 100
    assert run.data.params["judge"] == "longest" and len(run.data.params["long"]) <= 500
    (given,) = run.inputs.dataset_inputs
    assert json.loads(given.dataset.profile) == {"num_rows": 3, "licence": "MIT", "digest": "f" * 64}
    assert {tag.key: tag.value for tag in given.tags} == {"mlflow.data.context": "eval"}
    names = {item.path for item in client(database).list_artifacts(run.info.run_id)}
    assert names == {"config.yaml", "examples.json", "metrics.json"}
    # load_table asks the global store, whatever its client was made for.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", database)
    table = client(database).load_table(run.info.experiment_id, "examples.json", [run.info.run_id])
    assert list(table["instruction"]) == ["Question 0?", "Question 1?", "Question 2?"]


def test_a_finished_single_run_is_repeated_but_one_whose_process_died_is_continued(
    tmp_path: Path, database: str
) -> None:
    tracking = Mlflow(experiment="single", uri=database, traces=0)
    first = tracking.start(job(tmp_path))
    assert tracking.start(job(tmp_path)).run_id != first.run_id, "its process lives: it may still be at work"
    client(database).set_tag(first.run_id, "alpacabench.owner", _owner_of_dead_process())
    assert tracking.start(job(tmp_path)).run_id == first.run_id
    tracking.finish(first, job(tmp_path))
    assert tracking.start(job(tmp_path)).run_id != first.run_id
    assert tracking.start(job(tmp_path, identity="b" * 64)).run_id != first.run_id


def _owner_of_dead_process() -> str:
    script = "from alpacabench.store.owner import new_owner; print(new_owner())"
    root = Path(__file__).resolve().parents[2]
    return subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True).stdout.strip()


def test_an_environment_run_id_is_not_written_to(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracking = Mlflow(experiment="hijack", uri=database, traces=0)
    other = tracking.start(job(tmp_path))
    monkeypatch.setenv("MLFLOW_RUN_ID", str(other.run_id))
    ours = tracking.start(job(tmp_path, identity="c" * 64))
    tracking.finish(ours, job(tmp_path, identity="c" * 64))
    assert ours.run_id != other.run_id
    assert client(database).get_run(other.run_id).data.metrics == {}


def test_traces_carry_verdict_and_reference_and_are_written_once(tmp_path: Path, database: str) -> None:
    tracking = Mlflow(experiment="traces", uri=database, traces="all")
    run = tracking.start(job(tmp_path))
    tracking.finish(run, job(tmp_path))
    tracking.follow_up(tmp_path, [tmp_path])
    tracking.finish(replace(run, finished=True), job(tmp_path))
    tracking.follow_up(tmp_path, [tmp_path])
    experiment = client(database).get_experiment_by_name("traces").experiment_id
    traces = client(database).search_traces(locations=[experiment], run_id=run.run_id)
    assert len(traces) == 3
    held = {trace.info.tags["index"]: trace for trace in traces}
    verdicts = {a.name: a for a in held["1"].info.assessments}
    assert verdicts["preference"].value == 1.9 and verdicts["win"].value is True
    assert {verdicts["preference"].source.source_type, verdicts["preference"].source.source_id} == {
        "LLM_JUDGE", "judge"
    }  # fmt: skip
    assert verdicts["expected_response"].expectation.value == "R"
    missing = {a.name: a for a in held["2"].info.assessments}["preference"]
    assert missing.feedback.error.error_code == "NO_VERDICT" and missing.value is None
    root, *children = sorted(held["0"].data.spans, key=lambda span: span.parent_id is not None)
    assert root.inputs == {"messages": [{"role": "user", "content": "Question 0?"}]} and root.outputs == "A"
    answer, *judged = sorted(children, key=lambda span: span.span_type != "LLM")
    assert answer.inputs == {"prompt": "question 0?"} and answer.outputs["output"] == "A"
    assert sorted(span.outputs["preference"] for span in judged) == [1.0, 2.0]
    assert not list(tmp_path.glob(".traces*"))


def test_a_trace_has_a_span_for_each_call_of_a_tool(tmp_path: Path, database: str) -> None:
    calls = [CallRow("add", '{"a": 1}', "no answer", "injected failure: timeout"), CallRow("", "}", "", "invalid call")]
    record = job(tmp_path, examples=[replace(example(0, 1.0), calls=calls)])
    tracking = Mlflow(experiment="tools", uri=database, traces="all")
    tracking.finish(tracking.start(record), record)
    tracking.follow_up(tmp_path, [tmp_path])
    experiment = client(database).get_experiment_by_name("tools").experiment_id
    (trace,) = client(database).search_traces(locations=[experiment])
    answer = next(span for span in trace.data.spans if span.span_type == "LLM")
    called = {span.name: span for span in trace.data.spans if span.span_type == "TOOL"}
    assert set(called) == {"add", "tool"} and {span.parent_id for span in called.values()} == {answer.span_id}
    assert called["add"].inputs == {"arguments": '{"a": 1}'}
    assert called["add"].outputs == {"result": "no answer", "came": "injected failure: timeout"}


def test_traces_are_a_uniform_draw_of_the_same_prompts_in_every_run_whatever_was_answered() -> None:
    lost = [example(i, 1.0) for i in range(400)]
    won = [example(i, 2.0, failure="refused" if i < 9 else None) for i in reversed(range(400))]
    chosen = {row.instruction for row in drawn(lost, 50)}
    assert len(chosen) == 50 and chosen == {row.instruction for row in drawn(won, 50)}
    assert {row.instruction for row in drawn(lost, 80)} > chosen, "a larger draw holds the smaller one"
    indices = [row.index for row in drawn(lost, 200)]
    assert indices == sorted(indices) and 150 < sum(indices) / 200 < 250
    assert drawn(lost, 0) == [] and drawn(lost, 400) == lost
    repeated = [replace(example(i, 1.0), instruction="Again?") for i in range(5)]
    assert len(drawn(repeated, 3)) == 3 and len(set(request_ids(repeated))) == 5


@pytest.mark.parametrize(("traces", "jobs", "each"), [("all", 1, 1000), ("all", 50, 100), (3, 50, 3), (1100, 1, 1100)])
def test_all_traces_are_up_to_a_thousand_of_a_run_and_five_thousand_of_a_sweep(
    tmp_path: Path, traces: Any, jobs: int, each: int
) -> None:
    record = job(tmp_path, examples=[example(i, 1.0) for i in range(1200)])
    waiting = [Pending.of(record, str(number), "sqlite:///x.db", traces) for number in range(min(jobs, 2))]
    found = same_examples(waiting, jobs)
    assert {len(run.examples) for run in found} == {each}
    assert len({tuple(row.index for row in run.examples) for run in found}) == 1


def test_an_unreachable_server_costs_nothing_and_sync_sends_all_later(
    tmp_path: Path, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    away, link = Mlflow(experiment="later", uri=DEAD), SweepLink("e" * 64)
    start = time.monotonic()
    parent = JobRecord(name="sweep", identity="e" * 64, directory=tmp_path, sweep=link)
    opened, _ = away.open_sweep(parent, ["1"])
    child = job(tmp_path, sweep=replace(link, job="1", name="seed=1", params={"seed": "1"}))
    away.finish(away.start(child), child)
    away.close_sweep(opened, parent)
    away.finish(away.start(job(tmp_path)), job(tmp_path))
    assert time.monotonic() - start < 20 and "alpacabench sync" in caplog.text
    assert len(spool.waiting(spool.spool_directory())) == 3
    with pytest.raises(StageError, match="does not answer"):
        sync()
    assert sync(database) == 3 and sync(database) == 0
    runs = {run.info.run_name: run for run in run_of(database, "later")}
    assert {run.info.status for run in runs.values()} == {"FINISHED"} and len(runs) == 3
    assert runs["seed=1"].data.tags["mlflow.parentRunId"] == runs["sweep"].info.run_id
    assert runs["seed=1"].data.params["seed"] == "1" and runs["a job"].data.metrics["win_rate"] == 50


def test_what_the_server_has_already_is_not_sent_again(tmp_path: Path, database: str) -> None:
    tracking, link = Mlflow(experiment="again", uri=database, traces=0), SweepLink("d" * 64, job="1")
    parent, _ = tracking.open_sweep(JobRecord("sweep", "d" * 64, tmp_path, SweepLink("d" * 64)), [])
    child = job(tmp_path, sweep=replace(link, parent_run_id=parent.run_id))
    tracking.finish(tracking.start(child), child)
    spool.put(child, "again", database, 0)
    assert sync(database) == 1
    assert len(run_of(database, "again")) == 2


def test_a_deleted_experiment_is_a_mistake_in_the_configuration(tmp_path: Path, database: str) -> None:
    client(database).delete_experiment(client(database).create_experiment("gone"))
    with pytest.raises(ConfigError, match="'gone' was deleted"):
        Mlflow(experiment="gone", uri=database).start(job(tmp_path))


def test_the_uri_is_the_given_one_then_the_environments_then_the_local_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert uri.tracking_uri(None) == f"sqlite:///{tmp_path}/outputs/mlflow.db"
    assert uri.artifact_location(uri.tracking_uri(None)) == (tmp_path / "outputs" / "artifacts").as_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://there:1")
    assert uri.tracking_uri(None) == "http://there:1" and uri.artifact_location("http://there:1") is None
    assert uri.tracking_uri("sqlite:////abs/m.db") == "sqlite:////abs/m.db"
    assert uri.artifact_location("postgresql://h/db") == (tmp_path / "outputs" / "artifacts").as_uri()
    assert [p.where for p in Mlflow(uri="./mlruns").problems()] == ["tracking.uri"]
    assert [p.where for p in Mlflow(traces=-1).problems()] == ["tracking.traces"]
    assert not list(Mlflow().problems())


def test_secrets_of_the_environment_and_passwords_in_urls_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-abcdef")
    monkeypatch.setenv("DB_PASSWORD_2", "hunter2")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "falsefalse")
    monkeypatch.setenv("X_TOKEN", "abc")
    text = "key sk-abcdef, hunter2, falsefalse, abc, postgresql://user:pa55@host/db"
    assert redact(text) == f"key {HIDDEN}, {HIDDEN}, falsefalse, abc, postgresql://user:{HIDDEN}@host/db"
    assert redact_tree({"a": ["sk-abcdef", 1, None]}) == {"a": [HIDDEN, 1, None]}


def test_no_secret_of_a_record_reaches_the_database_or_the_spool(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGE_API_KEY", "sk-never-written")
    record = job(
        tmp_path, name="sk-never-written", params={"p": "sk-never-written"}, tags={"t": "sk-never-written"},
        config="k: sk-never-written", failure="401: sk-never-written",
        examples=[replace(example(0, 1.2), output="sk-never-written")],
    )  # fmt: skip
    for where in (database, DEAD):
        tracking = Mlflow(experiment="secret", uri=where)
        tracking.finish(tracking.start(record), record)
        tracking.follow_up(tmp_path, [tmp_path])
    (run,) = run_of(database, "secret")
    assert run.info.status == "FAILED" and run.data.tags["failure"] == f"401: {HIDDEN}"
    folder = Path(database.removeprefix("sqlite:///")).parent
    every = [p for root in (folder, tmp_path / "outputs") for p in root.rglob("*") if p.is_file()]
    assert len(every) > 5
    assert not [p for p in every if b"sk-never-written" in p.read_bytes()]


def test_a_key_that_a_server_echoes_reaches_no_file_of_a_run(tmp_path: Path, database: str) -> None:
    key = "sk-echoed-by-the-server"

    def echo(request: Request) -> Response:
        said = f"You sent {request.headers['authorization']}.\nVerdict: M"
        if len(server.requests) % 3 == 0:
            return error(400, said)
        choice = {"message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
        return Response({"choices": [choice], "usage": {"prompt_tokens": 4, "completion_tokens": 2}})

    with HttpServer(echo, key=key) as server:
        chosen = ["model=openai_compatible", "model.path=m", f"model.base_url={server.url}", "model.concurrency=1"]
        chosen += ["judge=gpt_4_1_cot", f"judge.base_url={server.url}", "judge.concurrency=1", "max_failures=1"]
        chosen += ["dataset=demo", "subset=head", "subset.n=9", f"tracking.uri={database}", "tracking.experiment=echo"]
        outcome = command.run(tmp_path, *chosen, f"hydra.run.dir={tmp_path}/run", env={"OPENAI_API_KEY": key})
    assert outcome.code == 0 and key not in outcome.text, outcome.text
    annotations = (tmp_path / "run" / "annotations.json").read_text(encoding="utf-8")
    assert f"You sent Bearer {HIDDEN}" in annotations
    assert f"HTTP 400: You sent Bearer {HIDDEN}" in annotations
    folder = Path(database.removeprefix("sqlite:///")).parent
    every = [p for root in (folder, tmp_path) for p in root.rglob("*") if p.is_file()]
    assert {"store.db", "mlflow.db", "verdicts.jsonl", "report.html"} <= {path.name for path in every}
    assert not [path for path in every if key.encode() in path.read_bytes()]


def test_mlflow_is_not_imported_before_a_run_starts() -> None:
    script = (
        "import sys; from alpacabench.tracking.mlflow import Mlflow; from alpacabench.tracking import sync; "
        "list(Mlflow().problems()); import alpacabench.sweeps.sweep, alpacabench.sweeps.job; "
        "print([m for m in ('mlflow', 'torch', 'pandas', 'alpaca_eval', 'scipy') if m in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_two_jobs_that_log_a_new_data_set_at_the_same_moment_are_both_tracked(tmp_path: Path, database: str) -> None:
    from mlflow.store.tracking.dbmodels.models import SqlDataset
    from sqlalchemy import event
    from sqlalchemy.orm import Session

    tracking = Mlflow(experiment="race", uri=database)
    card = {"name": "new", "source": "s", "licence": "MIT", "digest": "e" * 64, "rows": 3}
    one, other = (job(tmp_path, identity, dataset=card, examples=[]) for identity in ("1" * 64, "2" * 64))
    first, second = tracking.start(one), tracking.start(other)
    collided = []

    @event.listens_for(Session, "before_flush")
    def other_is_faster(session: Any, *_: Any) -> None:
        if not collided and any(isinstance(row, SqlDataset) for row in session.new):
            collided.append(True)
            tracking.finish(second, other)

    try:
        tracking.finish(first, one)
    finally:
        event.remove(Session, "before_flush", other_is_faster)
    assert collided and not spool.spool_directory().exists()
    logged = [client(database).get_run(str(run.run_id)) for run in (first, second)]
    assert {run.info.status for run in logged} == {"FINISHED"}
    assert [run.inputs.dataset_inputs[0].dataset.name for run in logged] == ["new", "new"]
