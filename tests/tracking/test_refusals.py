"""What MLflow refuses is left out and told; the rest is written, and no run stays RUNNING for it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from mlflow.utils.validation import _validate_metric_name, _validate_param_name, _validate_tag_name

from alpacabench.core.errors import DataError
from alpacabench.tracking import spool, uri
from alpacabench.tracking.mlflow import Mlflow
from alpacabench.tracking.refusals import names, require_at_hand
from alpacabench.tracking.sync import sync
from tests.helpers.fakes.http_server import HttpServer, Response
from tests.helpers.tracking_data import job

anything = st.text(st.characters(exclude_categories=()), max_size=300)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return f"sqlite:///{tmp_path}/mlflow.db"


def only_run(database: str, experiment: str) -> Any:
    client = MlflowClient(database)
    (run,) = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    return run


@settings(max_examples=200, deadline=None)
@given(keys=st.lists(anything, max_size=6, unique=True))
@example(["..0"])
def test_every_name_has_a_form_that_mlflow_takes_and_no_two_share_one(keys: list[str]) -> None:
    found = names(keys)
    assert list(found) != keys or set(found) == set(keys)
    assert len(set(found.values())) == len(keys)
    for name in found.values():
        for check in (_validate_metric_name, _validate_param_name, _validate_tag_name):
            check(name)


def test_a_name_that_mlflow_takes_stays() -> None:
    kept = ["win_rate", "win_rate/coding", "judge.seed", "system/cpu", "a b:c", "модель"]
    assert list(names(kept).values()) == kept
    assert names(["win_rate/Q&A (general)"]) == {"win_rate/Q&A (general)": "win_rate/Q_A _general_"}
    assert len(set(names(["C++", "C__", "C--/"]).values())) == 3


def test_a_run_with_any_names_and_texts_is_finished(tmp_path: Path, database: str) -> None:
    record = job(
        tmp_path, name="n" * 3000 + "\x1b\ud800",
        metrics={"win_rate": 60.0, "win_rate/Q&A (general)": 1.0, "x" * 400: 2.0},
        params={"a@b": "v" * 9000, "": "\x00\ud800"}, tags={"t!" * 300: "\x00" * 9000}, failure=None,
    )  # fmt: skip
    tracking = Mlflow(experiment="odd", uri=database)
    tracking.finish(tracking.start(record), record)
    run = only_run(database, "odd")
    assert run.info.status == "FINISHED" and {"win_rate", "win_rate/Q_A _general_"} <= set(run.data.metrics)
    assert run.data.params["a_b"].startswith("vvv") and not list(tmp_path.glob("outputs/spool/*"))


@pytest.mark.parametrize("call", ["log_batch", "log_inputs", "log_artifacts"])
def test_one_refused_call_ends_no_run_without_its_rest(
    call: str, tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    original = getattr(MlflowClient, call)

    def refuse(self: MlflowClient, run_id: str, *args: Any, **given: Any) -> Any:
        metrics = given.get("metrics", args[0] if args else ())
        if call != "log_batch" or any(metric.key == "bad" for metric in metrics):
            raise MlflowException("it is not taken \x1b[2J", error_code=3)
        return original(self, run_id, *args, **given)

    monkeypatch.setattr(MlflowClient, call, refuse)
    record = job(tmp_path, metrics={"win_rate": 60.0, "bad": 1.0, "n_total": 4.0})
    tracking = Mlflow(experiment=call, uri=database)
    tracking.finish(tracking.start(record), record)
    run = only_run(database, call)
    assert run.info.status == "FINISHED" and {"win_rate", "n_total"} <= set(run.data.metrics)
    assert ("bad" in run.data.metrics) == (call != "log_batch")
    told = next(message for message in caplog.messages if "MLflow does not take" in message)
    assert "it is not taken ␛[2J" in told and str(tmp_path) in told
    assert not list(tmp_path.glob("outputs/spool/*"))


def test_an_outage_is_no_refusal(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise MlflowException("away")

    tracking = Mlflow(experiment="away", uri=database)
    run = tracking.start(job(tmp_path))
    monkeypatch.setattr(MlflowClient, "log_artifacts", away)
    tracking.finish(run, job(tmp_path))
    assert len(list(tmp_path.glob("outputs/spool/*"))) == 1
    left = only_run(database, "away")
    assert left.info.status == "FAILED" and "alpacabench sync" in left.data.tags["failure"]
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert sync() == 1
    whole = only_run(database, "away")
    assert whole.info.run_id == run.run_id and whole.info.status == "FINISHED" and "failure" not in whole.data.tags


def test_no_directory_of_another_machine_is_made(tmp_path: Path) -> None:
    require_at_hand(f"file://{tmp_path}/outputs/artifacts/abc/artifacts")
    require_at_hand("mlflow-artifacts:/1/abc/artifacts")
    for place in ("/mlruns/1/abc/artifacts", "file:///no/such/place/outputs/artifacts/abc/artifacts"):
        with pytest.raises(FileNotFoundError, match="another machine"):
            require_at_hand(place)


def test_databricks_is_mlflows_own_word(monkeypatch: pytest.MonkeyPatch) -> None:
    for word in ("databricks", "databricks://profile"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", word)
        assert not list(uri.check(None)) and uri.unreachable(word) is None
        (problem,) = Mlflow().problems()
        assert "/Users/" in problem.remedy and "tracking=none" in problem.remedy and "tracking.uri" in problem.remedy
        assert not list(Mlflow(experiment="/Users/me/alpacabench").problems())
    assert "500" in next(iter(Mlflow(experiment="x" * 600, uri="sqlite:///a.db").problems())).remedy


def test_the_question_whether_anybody_answers_knows_mlflows_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def get(url: str, **given: Any) -> Any:
        asked.update(given, url=url)
        return type("Answer", (), {"close": lambda self: None})()

    monkeypatch.setattr("requests.get", get)
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", "/c.pem")
    monkeypatch.setenv("MLFLOW_TRACKING_CLIENT_CERT_PATH", "/me.pem")
    assert uri.unreachable("https://h/x/") is None
    assert (asked["url"], asked["verify"], asked["cert"]) == ("https://h/x/health", "/c.pem", "/me.pem")
    monkeypatch.setenv("MLFLOW_TRACKING_INSECURE_TLS", "true")
    uri.unreachable("https://h")
    assert asked["verify"] is False
    monkeypatch.undo()
    with HttpServer(lambda _: Response("gone", status=500)) as server:
        assert uri.unreachable(server.url.removesuffix("/v1")) is None, "somebody answers"
    assert "refused" in str(uri.unreachable("http://127.0.0.1:1"))


@pytest.mark.parametrize("name", ["../../secret.txt", "/etc/passwd", "a/b", "..", "link", 7])
def test_a_spooled_record_sends_no_file_but_its_own(name: str, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "secret.txt").write_text("TOP-SECRET")
    (tmp_path / "files" / "link").symlink_to(tmp_path / "secret.txt")
    row = {
        "name": "n", "identity": "i", "directory": "d", "sweep": None, "params": {}, "tags": {}, "config": "",
        "dataset": {}, "parent": None, "step": 0, "started": 1.0, "ended": 2.0, "metrics": {}, "files": [name],
        "examples": [], "failure": None,
    }  # fmt: skip
    record = {"experiment": "e", "uri": "sqlite:///a.db", "traces": 0, "parent": False, "job": row}
    (tmp_path / "record.json").write_text(json.dumps(record))
    with pytest.raises(DataError, match=re.escape(str(tmp_path))):
        spool.read(tmp_path)
