"""`alpacabench sync`: what was kept goes where it belongs, once, and one that cannot go holds up no other."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from alpacabench.cli import main as cli
from alpacabench.core.errors import StageError
from alpacabench.io.manifest import Run, SweepLink
from alpacabench.tracking import spool
from alpacabench.tracking.base import JobRecord
from alpacabench.tracking.client import Unreachable
from alpacabench.tracking.mlflow import Mlflow
from alpacabench.tracking.pending import Pending, leave, pending
from alpacabench.tracking.sync import sync
from tests.helpers.tracking_data import DEAD, client, example, job, run_of


@pytest.fixture(autouse=True)
def in_own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def sweep(directory: Path, identity: str, jobs: int = 3) -> tuple[JobRecord, list[JobRecord]]:
    """A parent and its jobs, each of which fails at another example."""
    parent = JobRecord("sweep", identity, directory, SweepLink(identity), started=time.time())
    children = []
    for number in range(jobs):
        (own := directory / "outputs" / "sweeps" / "one" / str(number)).mkdir(parents=True)
        examples = [example(i, None if i == number else 2.0, failure="lost" if i == number else None) for i in range(9)]
        link = SweepLink(identity, job=str(number), name=f"seed={number}", params={"seed": str(number)})
        children.append(job(own, identity=str(number) * 64, sweep=link, examples=examples, metrics={}))
    return parent, children


def track(tracking: Mlflow, parent: JobRecord, children: list[JobRecord]) -> Run:
    run, known = tracking.open_sweep(parent, [str(child.sweep.job) for child in children if child.sweep])
    for child in children:
        assert child.sweep
        link = replace(child.sweep, parent_run_id=run.run_id, run=known.get(child.sweep.job, Run()))
        tracking.finish(tracking.start(replace(child, sweep=link)), replace(child, sweep=link))
    return run


def traced(where: str, experiment: str) -> list[tuple[str | None, frozenset[str]]]:
    """Return, of each job's run, the number of traces in its tag, and the examples that its traces show."""
    found = []
    for run in run_of(where, experiment):
        if "alpacabench.job" in run.data.tags:
            traces = client(where).search_traces(locations=[run.info.experiment_id], run_id=run.info.run_id)
            shown = frozenset(trace.info.tags["index"] for trace in traces)
            found.append((run.data.tags.get("alpacabench.traces"), shown))
    return found


def test_the_jobs_of_a_spooled_sweep_get_traces_of_the_same_examples_and_no_more_later(
    tmp_path: Path, database: str
) -> None:
    parent, children = sweep(tmp_path, "1" * 64)
    away = Mlflow(experiment="spooled", uri=DEAD, traces=4)
    away.close_sweep(track(away, parent, children), parent)
    assert sync(database) == 4 and not list((tmp_path / "outputs" / "spool").iterdir())
    first = traced(database, "spooled")
    assert len(first) == 3 and len(set(first)) == 1 and first[0][0] == "4" and len(first[0][1]) == 4
    back = Mlflow(experiment="spooled", uri=database, traces=4)
    track(back, parent, children)
    back.follow_up(tmp_path, [child.directory for child in children])
    assert traced(database, "spooled") == first and not pending(tmp_path)


def test_jobs_of_a_sweep_that_was_killed_are_sent_with_their_traces(tmp_path: Path, database: str) -> None:
    parent, children = sweep(tmp_path, "a" * 64)
    track(Mlflow(experiment="killed", uri=DEAD, traces=4), parent, children)
    assert sync(database) == 3
    first, *others = traced(database, "killed")
    assert others == [first, first] and first[0] == "4" and len(run_of(database, "killed")) == 4


def test_the_traces_of_a_server_that_died_at_the_end_are_kept_and_sent_later(
    tmp_path: Path, database: str, other_process: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def dead(_: str) -> Any:
        raise Unreachable("it died")

    parent, children = sweep(tmp_path, "2" * 64)
    tracking = Mlflow(experiment="died", uri=database, traces=4)
    run = track(tracking, parent, children)
    client(database).set_tag(run.run_id, "alpacabench.owner", other_process)
    with pytest.raises(StageError, match="3 left:\n .*their sweep is running"):
        sync()
    with monkeypatch.context() as patched:
        patched.setattr("alpacabench.tracking.mlflow.connect", dead)
        tracking.close_sweep(run, parent)
        caplog.clear()
        tracking.follow_up(tmp_path / "outputs" / "sweeps" / "one", [child.directory for child in children])
    (warning,) = caplog.messages
    assert "the traces of 3 runs are kept" in warning
    assert "`alpacabench sync` sends them later" in warning and "outputs/spool" not in warning
    assert sync() == 4 and sync() == 0
    (first, *others) = traced(database, "died")
    assert others == [first, first] and first[0] == "4" and len(first[1]) == 4
    assert {run.info.status for run in run_of(database, "died")} == {"FINISHED"}


def test_what_cannot_be_compared_again_is_not_said_to_be_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    parent, _ = sweep(tmp_path, "3" * 64, jobs=0)
    Mlflow(uri=DEAD).close_sweep(Run("a" * 32, finished=True), parent)
    assert "the same command tries again" in caplog.text and "sync" not in caplog.text


def test_a_run_whose_uri_held_a_password_is_not_sent_elsewhere(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.put(job(tmp_path), "secret", "http://bob:hunter2secret@there", 0)
    with pytest.raises(StageError, match="give --uri, or set MLFLOW_TRACKING_URI") as refused:
        sync()
    assert "http://bob:<redacted>@there" in str(refused.value)
    assert not (tmp_path / "outputs" / "mlflow.db").exists()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", database)
    assert sync() == 1 and len(run_of(database, "secret")) == 1


@contextmanager
def server_of_somebody() -> Iterator[tuple[str, list[str | None]]]:
    """Serve nothing; yields the address, and the Authorization headers of what was asked."""
    seen: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization"))
            self.send_error(404)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()


@pytest.mark.parametrize("secret", ["MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_PASSWORD", "PGPASSWORD"])
@pytest.mark.parametrize("kind", ["run", "traces"])
def test_no_credential_goes_to_a_server_that_only_a_record_names(
    secret: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(secret, "sesame")
    if secret == "MLFLOW_TRACKING_PASSWORD":
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ali")
    with server_of_somebody() as (address, seen):
        for place, configured in (("given", None), ("other", "http://127.0.0.1:9"), ("configured", f"{address}/")):
            if configured:
                monkeypatch.setenv("MLFLOW_TRACKING_URI", configured)
            (directory := tmp_path / place).mkdir()
            if kind == "run":
                spool.put(job(tmp_path), "e", address, 0).rename(directory / "x")
            else:
                leave(Pending.of(job(directory), "1" * 32, address, 1))
            seen.clear()
            with pytest.raises(StageError) as refused:
                sync(directory=directory)
            if place == "configured":
                assert any(seen) is secret.startswith("MLFLOW")
            else:
                assert f"goes to {address}" in str(refused.value) and "--uri" in str(refused.value)
                assert not seen


def test_a_record_of_another_user_says_nothing_about_where_it_goes(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = spool.put(job(tmp_path), "foreign", database, 0)
    (entry / spool.RECORD).chmod(0o666)
    with pytest.raises(StageError, match="not this user's own file"):
        sync()
    (entry / spool.RECORD).chmod(0o600)
    with monkeypatch.context() as patched:
        patched.setattr(os, "geteuid", lambda: os.getuid() + 1)
        with pytest.raises(StageError, match="not this user's own file"):
            sync()
    assert not run_of(database, "foreign")
    assert sync() == 1


def test_what_cannot_be_sent_stays_and_the_others_are_sent(tmp_path: Path, database: str) -> None:
    client(database).delete_experiment(client(database).create_experiment("removed"))
    for number, (experiment, where) in enumerate([("removed", database), ("kept", DEAD), ("kept", database)]):
        spool.put(job(tmp_path, name=f"job {number}", sweep=SweepLink("4" * 64, str(number))), experiment, where, 0)
    (torn := spool.spool_directory() / "torn").mkdir()
    (torn / spool.RECORD).write_text('{"job": {')
    with pytest.raises(StageError) as left:
        sync()
    message = str(left.value)
    assert (
        message.startswith("1 sent, 3 left:") and "job 0: 1 problem" in message and "'removed' was deleted" in message
    )
    assert f"job 1: {DEAD} does not answer" in message and f"{torn / spool.RECORD} cannot be read" in message
    assert {run.info.run_name for run in run_of(database, "kept")} >= {"job 2"}
    assert len(spool.waiting(spool.spool_directory())) == 3


def test_wrong_arguments_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["sync", "--uri", "foo"]) == 2 and "--uri: given 'foo'" in capsys.readouterr().err
    assert cli.main(["sync", "--uri", "foo://bar"]) == 2 and "unknown scheme 'foo'" in capsys.readouterr().err
    assert cli.main(["sync", "--spool", "nowhere"]) == 2 and "given 'nowhere'" in capsys.readouterr().err
    assert cli.main(["sync"]) == 0 and capsys.readouterr().out == "nothing waits\n"


def test_a_spool_that_cannot_be_written_costs_no_result(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool.spool_directory().parent.mkdir()
    spool.spool_directory().write_text("a file")
    tracking = Mlflow(uri=DEAD)
    tracking.finish(tracking.start(job(tmp_path)), job(tmp_path))
    assert "a job is not tracked: it cannot be kept in" in caplog.text
