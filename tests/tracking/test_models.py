"""One logged model for each model, and every run of it linked."""

from __future__ import annotations

from pathlib import Path

from alpacabench.tracking.mlflow import Mlflow
from tests.helpers.tracking_data import client, job, run_of


def test_runs_of_one_model_share_its_logged_model_and_another_checkpoint_has_its_own(
    tmp_path: Path, database: str
) -> None:
    tracking = Mlflow(experiment="models", uri=database, traces=0)
    paths = ["out/checkpoint-1", "out/checkpoint-1", "out/checkpoint-2"]
    for number, path in enumerate(paths):
        record = job(
            tmp_path, str(number) * 64, name=str(number), params={"model.path": path}, model="mine/v1.0: 'best'",
            metrics={"win_rate": 50.0},
        )  # fmt: skip
        tracking.finish(tracking.start(record), record)
    runs = {run.info.run_name: run for run in run_of(database, "models")}
    ids = [runs[str(number)].info.run_id for number in range(3)]
    # What a search returns leaves the models out.
    linked = [client(database).get_run(run_id).inputs.model_inputs[0].model_id for run_id in ids]
    assert linked[0] == linked[1] != linked[2]
    models = client(database).search_logged_models([runs["0"].info.experiment_id])
    assert {model.model_id for model in models} == set(linked)
    assert {(model.name, model.params["model.path"], str(model.status)) for model in models} == {
        ("mine_v1_0_ _best_", "out/checkpoint-1", "READY"), ("mine_v1_0_ _best_", "out/checkpoint-2", "READY"),
    }  # fmt: skip
    assert {run.info.status for run in runs.values()} == {"FINISHED"}


def test_the_prompts_of_runs_are_one_evaluation_data_set_each_asked_once(tmp_path: Path, database: str) -> None:
    from alpacabench.tracking.datasets import fill_dataset
    from alpacabench.tracking.example import ExampleRow

    tracking = Mlflow(experiment="prompts", uri=database, traces=0)
    tags = {"alpacabench.dataset": "mine", "alpacabench.dataset_digest": "d" * 64}
    for number, subset in enumerate(("one", "one", "two")):
        record = job(tmp_path, str(number) * 64, name=str(number), tags=tags | {"alpacabench.subset_hash": subset})
        tracking.finish(tracking.start(record), record)
    runs = run_of(database, "prompts")
    experiment = runs[0].info.experiment_id
    asked = {"one": [0, 1], "two": [1, 2]}
    for run in runs:
        rows = [ExampleRow.from_json(_row(index)) for index in asked[run.data.tags["alpacabench.subset_hash"]]]
        fill_dataset(client(database), experiment, run.info.run_id, rows)
    (dataset,) = client(database).search_datasets([experiment])
    assert dataset.name == "mine"
    found = client(database)._tracking_client.store._load_dataset_records(dataset.dataset_id)[0]
    questions = sorted(record.inputs["messages"][0]["content"] for record in found)
    assert questions == ["Question 0?", "Question 1?", "Question 2?"]
    assert {record.expectations["expected_response"] for record in found} == {"A reference."}


def _row(index: int) -> dict[str, object]:
    return {
        "index": index, "instruction": f"Question {index}?", "prompt": f"Question {index}?", "system": None,
        "reference": "A reference.", "reference_generator": "r", "output": "An answer.", "generator": "g",
        "preference": 1.5, "verdicts": [], "source": "s", "category": "c", "finish_reason": "stop",
        "prompt_tokens": 1, "completion_tokens": 1, "seconds": 0.0, "failure": None,
    }  # fmt: skip
