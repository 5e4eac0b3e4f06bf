"""MLflow's prompt registry: judge templates and system prompts, one version for each content, linked to their runs."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from alpacabench.io.manifest import SweepLink
from alpacabench.tracking import prompts
from alpacabench.tracking.mlflow import Mlflow
from tests.helpers.command import run
from tests.helpers.fakes.openai_server import chat_server, made_up
from tests.helpers.mlflow_server import mlflow_server
from tests.helpers.tracking_data import client, job, run_of

CHAT = [{"role": "user", "content": "{{instruction}} {{output_1}} {{output_2}}"}]


def tracked(where: str, folder: Path, name: str, found: dict[str, list[Any]], **changes: Any) -> list[dict[str, str]]:
    """Track a job with these prompts; return what its run is linked to."""
    tracking = Mlflow(experiment="prompts", uri=where, traces=0)
    record = job(folder, name * 64, name=name, prompts=found, metrics={"win_rate": 50.0}, **changes)
    tracking.finish(tracking.start(record), record)
    (made,) = [one for one in run_of(where, "prompts") if one.info.run_name == name]
    assert made.info.status == "FINISHED"
    return list(json.loads(made.data.tags.get(prompts.LINKED, "[]")))


def versions(where: str, name: str) -> dict[str, Any]:
    """Return the contents of a prompt by version."""
    of_prompts = f"name = '{name}' AND tag.`mlflow.prompt.is_prompt` = 'true'"
    found = client(where).search_model_versions(of_prompts)
    return {str(one.version): client(where).load_prompt(f"prompts:/{name}/{one.version}").template for one in found}


def test_a_content_has_one_version_whatever_runs_have_it(tmp_path: Path, database: str) -> None:
    other = [{"role": "user", "content": "Which? {{instruction}}"}]
    given = {"a": {"judge": [CHAT], "system": ["Be brief."]}, "b": {"judge": [CHAT]}, "c": {"judge": [other, CHAT]}}
    linked = {}
    for name, found in given.items():
        prompts._version.cache_clear()
        linked[name] = tracked(database, tmp_path, name, found)
    assert linked["a"] == [{"name": "judge", "version": "1"}, {"name": "system", "version": "1"}]
    assert linked["b"] == linked["a"][:1]
    assert [one["version"] for one in linked["c"]] == ["2", "1"]
    assert versions(database, "judge") == {"1": CHAT, "2": other} and versions(database, "system") == {"1": "Be brief."}
    experiment = client(database).get_experiment_by_name("prompts").experiment_id
    listed = client(database).search_prompts(f"experiment_id='{experiment}'")
    assert {one.name for one in listed} == {"judge", "system"}, "the experiment's Prompts page shows them"


def test_the_jobs_of_a_sweep_ask_the_registry_once(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = prompts.find_prompt_version
    monkeypatch.setattr(
        prompts, "find_prompt_version", lambda *given: asked.append(given[1]) or real(*given)  # type: ignore[func-returns-value]
    )  # fmt: skip
    tracking = Mlflow(experiment="prompts", uri=database, traces=0)
    parent, _ = tracking.open_sweep(job(tmp_path, "p" * 64, sweep=SweepLink("s" * 64)), ["1", "2", "3"])
    for name in ("1", "2", "3"):
        link = SweepLink("s" * 64, name, name, {}, parent.run_id)
        tracked(database, tmp_path, name, {"once": [CHAT]}, sweep=link)
    assert asked == ["once"] and len(versions(database, "once")) == 1


def test_no_secret_reaches_the_registry_and_names_are_such_as_it_takes(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-verysecretvalue1234567890")
    (link,) = tracked(database, tmp_path, "s", {"my judge/2": ["Key: sk-verysecretvalue1234567890 \ud800"]})
    assert link["name"] == "my_judge_2"
    (text,) = versions(database, "my_judge_2").values()
    assert text.startswith("Key: <redacted>")


def test_a_registry_that_refuses_costs_the_run_nothing(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> str:
        raise ConnectionError("nobody there")

    monkeypatch.setattr(prompts, "find_prompt_version", refuse)
    with caplog.at_level(logging.WARNING):
        assert tracked(database, tmp_path, "r", {"judge-refused": [CHAT]}) == []
    assert "stays without 'judge-refused' (nobody there)" in caplog.text


def test_a_run_registers_its_judge_and_its_system_prompt_masked(tmp_path: Path) -> None:
    template = tmp_path / "helpful.txt"
    template.write_text("To boss@acme.example: {instruction} {output_1} {output_2}? m or M.")
    with chat_server(made_up) as server:
        done = run(
            tmp_path, "judge=gpt_4_1_mini", f"judge.base_url={server.url}/v1", f"judge.template={template}",
            "model=echo", "model.system_prompt='I am ann@acme.example.'", "subset=head", "subset.n=2",
            "tracking.redact=[privacy]", "tracking.traces=0", env={"OPENAI_API_KEY": "sk-x"},
        )  # fmt: skip
    assert done.code == 0, done.text
    where = f"sqlite:///{tmp_path}/outputs/mlflow.db"
    (judge,) = versions(where, "alpacabench-judge-helpful").values()
    assert judge[0]["content"] == "To [privacy: email]: {{instruction}} {{output_1}} {{output_2}}? m or M."
    assert list(versions(where, "alpacabench-system-prompt").values()) == ["I am [privacy: email]."]
    (tracked_run,) = run_of(where, "alpacabench")
    assert {one["name"] for one in json.loads(tracked_run.data.tags[prompts.LINKED])} == {
        "alpacabench-judge-helpful", "alpacabench-system-prompt",
    }  # fmt: skip


@pytest.mark.slow
def test_a_server_has_the_same_registry(tmp_path: Path) -> None:
    with mlflow_server(f"sqlite:///{tmp_path}/mlflow.db", tmp_path) as address:
        first = tracked(address, tmp_path, "a", {"judge": [CHAT], "system": ["Be brief."]})
        prompts._version.cache_clear()
        assert tracked(address, tmp_path, "b", {"judge": [CHAT], "system": ["Be brief."]}) == first
        assert versions(address, "judge") == {"1": CHAT} and versions(address, "system") == {"1": "Be brief."}
