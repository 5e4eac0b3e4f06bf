"""What people's labels make of a judge reaches the run in MLflow, by its directory as by its id."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alpacabench.analysis.finished_run import read_run
from alpacabench.analysis.trust.labels import pair_id
from alpacabench.cli.main import main
from tests.helpers.command import succeed
from tests.helpers.tracking_data import client

WORDS = ("model=echo", "judge=longest", "subset=head", "subset.n=40")


def test_figures_from_labels_reach_the_mlflow_run_of_a_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    succeed(tmp_path, *WORDS, f"tracking.uri={uri}")
    folder = tmp_path / "run"
    run_id = json.loads((folder / "audit.json").read_text())["tracked"]["run_id"]
    said = [
        {"id": pair_id(item), "labeller": who, "preference": item.preference if k % 4 else 3 - item.preference}
        for k, item in enumerate(read_run(str(folder)).items.values()) for who in ("ann", "bea")
    ]  # fmt: skip
    (tmp_path / "labels.json").write_text(json.dumps(said))

    # Whatever the environment says, it is the run's own database.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert main(["trust", str(folder), "--labels", str(tmp_path / "labels.json")]) == 0
    assert f"added to MLflow run {run_id}" in capsys.readouterr().out
    found = json.loads((folder / "trust.json").read_text())
    tracked = client(uri).get_run(run_id).data.metrics
    assert tracked["trust/n_labelled"] == 40 and tracked["trust/n_labellers"] == 2
    by_name = {finding["name"]: finding for finding in found["findings"]}
    assert tracked["trust/agreement"] == by_name["agreement"]["value"]
    rate = found["people"]["longest"]["corrected"]
    assert tracked["trust/win_rate_corrected"] == 100 * rate["rate"]
    assert tracked["trust/win_rate_corrected_ci_low"] == 100 * rate["low"] <= tracked["trust/win_rate_corrected"]

    (tmp_path / "mlflow.db").unlink()
    assert main(["trust", str(folder)]) == 0
    told = capsys.readouterr().out
    assert "not added to MLflow" in told and "no such file" in told
    assert not (tmp_path / "mlflow.db").exists(), "no database is made to hold figures of a run that it lacks"
