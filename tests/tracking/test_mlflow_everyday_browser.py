"""Single runs and a sweep in a real MLflow and a real browser: what differs is seen where people look.

ALPACABENCH_PICTURES=docs/images keeps the pictures that the documentation shows.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.command import run
from tests.helpers.fakes.openai_server import chat_server, made_up
from tests.helpers.mlflow_server import mlflow_server
from tests.tracking.test_mlflow_browser import _keep, page

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is absent: pip install 'alpacabench[browser]'")
pytestmark = pytest.mark.browser

__all__ = ["page"]

SINGLE = ("model=echo", "judge=longest", "subset=head", "subset.n=6")
TEMPERATURES = [f"{tenth / 10:g}" for tenth in range(1, 13)]


@dataclass(frozen=True)
class Everyday:
    """Two single runs that differ in temperature, and a sweep of twelve jobs."""

    address: str
    experiment: str
    singles: list[Any]
    printed: str
    """What the sweep's command said."""


@pytest.fixture(scope="module")
def everyday(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everyday]:
    if not shutil.which("chromium"):
        pytest.skip("Debian's chromium is absent: apt-get install chromium")
    from mlflow.tracking import MlflowClient

    folder = tmp_path_factory.mktemp("everyday")
    with mlflow_server(f"sqlite:///{folder}/mlflow.db", folder) as address:
        env = {"MLFLOW_TRACKING_URI": address}
        for temperature in ("0.0", "0.7"):
            done = run(folder, *SINGLE, f"decoding.temperature={temperature}", env=env)
            assert done.code == 0, done.text
        _with_prompts(folder, env)
        client = MlflowClient(address)
        experiment = client.get_experiment_by_name("alpacabench").experiment_id
        singles = [one for one in client.search_runs([experiment]) if one.info.run_name != "prompts"]
        swept = run(folder, "-m", *SINGLE, f"decoding.temperature={','.join(TEMPERATURES)}", env=env)
        assert swept.code == 0, swept.text
        yield Everyday(address, experiment, singles, swept.text)


def _with_prompts(folder: Path, env: dict[str, str]) -> None:
    """Make runs of a judge with a template and of two system prompts."""
    template = folder / "helpful.txt"
    template.write_text("Which answer to {instruction} helps? m: {output_1} M: {output_2} Reply with m or M.")
    with chat_server(made_up) as server:
        judge = ("judge=gpt_4_1_mini", f"judge.base_url={server.url}/v1", f"judge.template={template}")
        for system in ("Be brief.", "Be kind."):
            asked = ("name=prompts", "model=echo", f"model.system_prompt='{system}'", "subset=head", "subset.n=2")
            done = run(folder, *judge, *asked, env=env | {"OPENAI_API_KEY": "sk-of-a-test"})
            assert done.code == 0, done.text


def _open(page: Any, everyday: Everyday, path: str) -> None:
    page.add_init_script("localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')")
    page.goto(path if path.startswith("http") else f"{everyday.address}/#/{path}")


def test_two_single_runs_show_their_temperatures_on_the_compare_page_and_in_their_names(
    page: Any, everyday: Everyday
) -> None:
    names = [found.info.run_name for found in everyday.singles]
    assert len(set(names)) == 2 and sum("temperature 0.7" in name for name in names) == 1
    runs = ",".join(f'"{found.info.run_id}"' for found in everyday.singles)
    _open(page, everyday, f'compare-runs?runs=[{runs}]&experiments=["{everyday.experiment}"]')
    row = page.get_by_role("row").filter(has_text="decoding.temperature").first
    row.wait_for()
    assert {"0.0", "0.7"} <= set(re.findall(r"\d\.\d", row.inner_text()))
    for name in names:
        assert page.get_by_text(name).count(), name
    _keep(page, "mlflow-two-runs")


def test_twelve_jobs_have_different_first_words_on_the_evaluation_runs_page(page: Any, everyday: Everyday) -> None:
    _open(page, everyday, f"experiments/{everyday.experiment}/evaluation-runs")
    page.get_by_text(re.compile("sweep: temperature")).first.wait_for()
    # A run's colour, as text, stands before its name.
    texts = [row.inner_text().split("\n") for row in page.get_by_role("row").all()]
    names = [next((line.strip() for line in text if line.strip() and line[0] != "#"), "") for text in texts]
    assert sorted(set(names) & set(TEMPERATURES)) == sorted(TEMPERATURES), names
    _keep(page, "mlflow-twelve-jobs")


def test_the_models_page_has_the_model(page: Any, everyday: Everyday) -> None:
    _open(page, everyday, f"experiments/{everyday.experiment}/models")
    page.get_by_text("echo", exact=True).first.wait_for()
    _keep(page, "mlflow-models")


def test_the_datasets_page_has_the_prompts(page: Any, everyday: Everyday) -> None:
    _open(page, everyday, f"experiments/{everyday.experiment}/datasets")
    page.get_by_text("alpacabench_demo").first.wait_for()
    _keep(page, "mlflow-datasets")


def test_the_prompts_page_has_the_judges_template_and_the_system_prompts(page: Any, everyday: Everyday) -> None:
    _open(page, everyday, f"experiments/{everyday.experiment}/prompts")
    page.get_by_text("alpacabench-system-prompt").first.wait_for()
    page.get_by_text("alpacabench-judge-helpful").first.wait_for()
    _keep(page, "mlflow-prompts")
    page.get_by_text("alpacabench-system-prompt").first.click()
    page.get_by_text("Be kind.").first.wait_for()  # the newest is shown
    assert page.get_by_text("Version 2").count(), "one version for each content"


def test_the_printed_link_opens_the_comparison(page: Any, everyday: Everyday) -> None:
    (link,) = set(re.findall(r"http://\S+#/compare-runs\S+", everyday.printed))
    _open(page, everyday, link)
    axes = page.locator(".parcoords .axis-title")
    axes.first.wait_for()
    assert {"decoding.temperature", "win_rate"} <= set(axes.all_text_contents())
    _keep(page, "mlflow-printed-link")
