"""What a user sees of a sweep in MLflow: a real sweep, a real server, a real browser.

ALPACABENCH_PICTURES=docs/images keeps the pictures that the documentation shows.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from alpacabench.inference.weights.bundled import bundled_dir
from tests.helpers.command import run
from tests.helpers.mlflow_server import mlflow_server

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is absent: pip install 'alpacabench[browser]'")
pytestmark = pytest.mark.browser

SWEEP = (
    "-m", "name=demo", "decoding.temperature=0.3,0.6,0.9", "perturbation=none,typos", "subset=stratified",
    "subset.n=8", "subset.seed=4", "decoding.max_new_tokens=64",
)  # fmt: skip
PROMPT = "cant sleep before exams any tips"
"""One of the eight."""
WAIT_SECONDS = 120
SIZE = {"width": 1440, "height": 900}


@dataclass(frozen=True)
class Tracked:
    """The runs of the sweep on the server."""

    address: str
    experiment: str
    parent: Any
    children: list[Any]

    def child(self, name: str) -> Any:
        return next(run for run in self.children if run.info.run_name == name)


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracked]:
    if not shutil.which("chromium"):
        pytest.skip("Debian's chromium is absent: apt-get install chromium")
    if not bundled_dir().is_dir():
        pytest.skip("the default model's weights are absent: make setup")
    directory = tmp_path_factory.mktemp("browser")
    with mlflow_server(f"sqlite:///{directory}/mlflow.db", directory) as address:
        swept = run(directory, *SWEEP, env={"MLFLOW_TRACKING_URI": address}, timeout=3600)
        assert swept.code == 0, swept.text
        yield _tracked(address)


def _tracked(address: str) -> Tracked:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(address)
    experiment = client.get_experiment_by_name("alpacabench").experiment_id
    found = client.search_runs([experiment])
    (parent,) = [run for run in found if "mlflow.parentRunId" not in run.data.tags]
    return Tracked(address, experiment, parent, [run for run in found if run is not parent])


@pytest.fixture
def page() -> Iterator[Any]:
    """A page of Debian's chromium."""
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)
        page.set_default_timeout(WAIT_SECONDS * 1000)
        yield page
        browser.close()


def _open(page: Any, tracked: Tracked, path: str) -> None:
    """Open a page of the UI without the assistant, which opens beside the first one."""
    page.add_init_script("localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')")
    page.goto(f"{tracked.address}/#/{path}")


def _keep(page: Any, name: str) -> None:
    """Keep a picture where pictures are asked for."""
    if folder := os.environ.get("ALPACABENCH_PICTURES"):
        page.wait_for_timeout(2000)
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_the_evaluation_runs_page_lists_parent_and_children_with_their_metrics(page: Any, tracked: Tracked) -> None:
    _open(page, tracked, f"experiments/{tracked.experiment}/evaluation-runs")
    page.get_by_text("demo: temperature x perturbation").wait_for()
    columns = page.get_by_role("row").first.inner_text().split("\n")
    assert columns.index("win_rate") < columns.index("win_rate_ci_low") < columns.index("n_total")
    for name in ("0.3, no perturbation", "0.3, typos", "0.6, no perturbation", "0.9, typos"):
        row = page.get_by_role("row").filter(has_text=name).inner_text()
        assert str(tracked.child(name).data.metrics["win_rate"])[:6] in row
    assert page.get_by_role("row").count() == 1 + 1 + 6
    _keep(page, "mlflow-evaluation-runs")


def test_a_run_shows_its_examples_with_verdict_rationale_and_reference(page: Any, tracked: Tracked) -> None:
    run_id = tracked.child("0.9, typos").info.run_id
    _open(page, tracked, f"experiments/{tracked.experiment}/runs/{run_id}/evaluations")
    page.get_by_text("8 of 8").wait_for()
    for column in ("Expected output", "preference", "win"):
        assert page.get_by_text(column, exact=True).count(), column
    _keep(page, "mlflow-run")
    page.get_by_text(PROMPT).first.click()
    page.get_by_role("button", name="Assess").click()
    page.get_by_text("expected_response").first.wait_for()
    (verdict,) = [a for a in _assessments(tracked, run_id) if a.name == "preference"]
    assert verdict.source.source_type == "LLM_JUDGE"
    assert "model shown first:" in verdict.rationale and "reference shown first:" in verdict.rationale
    _keep(page, "mlflow-example")


def _assessments(tracked: Tracked, run_id: str) -> list[Any]:
    """Return what the server holds about the prompt."""
    from mlflow.tracking import MlflowClient

    traces = MlflowClient(tracked.address).search_traces(locations=[tracked.experiment], run_id=run_id)
    return [a for trace in traces if trace.info.request_preview == PROMPT for a in trace.info.assessments]


def test_two_runs_compare_side_by_side_prompt_by_prompt(page: Any, tracked: Tracked) -> None:
    one, other = (tracked.child(name).info.run_id for name in ("0.9, typos", "0.3, no perturbation"))
    query = f"selectedRunUuid={one}&compareToRunUuid={other}"
    _open(page, tracked, f"experiments/{tracked.experiment}/evaluation-runs?{query}")
    page.get_by_text("8 of 8").wait_for()
    row = page.get_by_role("row").filter(has_text=PROMPT)
    assert row.count() == 1 and row.inner_text().count("tr-") == 2, "both answers stand under one prompt"
    _keep(page, "mlflow-side-by-side")


def test_the_comparison_of_runs_shows_and_plots_what_was_swept(page: Any, tracked: Tracked) -> None:
    runs, experiments = [run.info.run_id for run in tracked.children], [tracked.experiment]
    _open(page, tracked, f"compare-runs?runs={quote(json.dumps(runs))}&experiments={quote(json.dumps(experiments))}")
    axes = page.locator(".parcoords .axis-title")
    axes.first.wait_for()
    assert {"decoding.temperature", "perturbation", "win_rate"} <= set(axes.all_text_contents())
    _keep(page, "mlflow-compare")


@pytest.mark.parametrize("file", ["sweep.html", "report.html"])
def test_the_pages_open_in_the_artifact_viewer(file: str, page: Any, tracked: Tracked) -> None:
    shown = tracked.parent if file == "sweep.html" else tracked.children[0]
    _open(page, tracked, f"experiments/{tracked.experiment}/runs/{shown.info.run_id}/artifacts/{file}")
    frame = page.frame_locator("iframe")
    frame.locator("figure svg:visible").first.wait_for()
    heading = "Which setting is better?" if file == "sweep.html" else "Prompts to read"
    assert frame.get_by_role("heading", name=heading).count() == 1
    _keep(page, f"mlflow-{file.removesuffix('.html')}")
