"""Review queues in MLflow: one for each person, blinded, and their answers are labels like those of the page."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from alpacabench.tracking.mlflow_internals import trace_store
from alpacabench.tracking.review_queues import EXPERIMENT, QUESTION
from tests.helpers.finished_runs import JUDGE, REFERENCE, alpacabench, annotation_rows, write_annotations, write_run
from tests.helpers.mlflow_server import mlflow_server


def queues(uri: str) -> tuple[Any, str, dict[str, Any]]:
    """Return MLflow's store, the id of the experiment of labels, and its queues by the person's name."""
    store = trace_store(uri)
    experiment = store.get_experiment_by_name(EXPERIMENT).experiment_id
    return store, experiment, {queue.users[0]: queue for queue in store.list_review_queues(experiment)}


def answer(store: Any, queue: Any, trace: Any, value: str) -> None:
    """Answer an item as MLflow's page does: an assessment of the reviewer without a log-in, and a new status."""
    from mlflow.entities import AssessmentSource, Feedback

    (schema,) = queue.schema_ids
    name = store.get_label_schema(schema).name
    source = AssessmentSource("HUMAN", "default")
    store.create_assessment(Feedback(name=name, value=value, source=source, trace_id=trace.info.trace_id))
    store.set_review_queue_item_status(
        queue.queue_id, item_id=trace.info.trace_id, status="complete", completed_by="default"
    )


def traces(store: Any, queue: Any) -> list[Any]:
    """Return the traces of a queue."""
    return [store.get_trace(item.item_id) for item in store.list_review_queue_items(queue.queue_id)]


def texts(trace: Any) -> dict[str, str]:
    found: dict[str, str] = trace.data.spans[0].outputs
    return found


def test_a_queue_on_sqlite_does_what_the_page_does(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", [2.0, 1.0] * 20)
    (folder / "verdicts.jsonl").unlink()
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    words = ("label", folder, "--mlflow", "--tracking-uri", uri, "--labeller", "Ann", "bea", "--n")
    made = alpacabench(*words, 4)
    assert made.returncode == 0, made.stderr
    assert "Ann (" in made.stdout and "4 pairs, 4 of them new" in made.stdout and "review-queue" in made.stdout
    more = alpacabench(*words, 6)
    assert more.stdout.count("6 pairs, 2 of them new") == 2, more.stderr

    store, experiment, by_name = queues(uri)
    assert set(by_name) == {"ann", "bea"}
    shown = {name: traces(store, queue) for name, queue in by_name.items()}
    assert not {t.info.trace_id for t in shown["ann"]} & {t.info.trace_id for t in shown["bea"]}
    told = json.dumps([[t.info.to_dict(), t.data.to_dict()] for name in shown for t in shown[name]])
    assert not [name for name in (JUDGE, REFERENCE, str(folder), "preference", "model_first") if name in told]
    for trace in shown["ann"]:
        both = trace.info.response_preview
        assert all(text in both for text in texts(trace).values()) and both.startswith("# First answer\n")
        assert both.index("# Second answer") > both.index(texts(trace)["First answer"])

    said = ["Tie", "Cannot say"]
    for trace in shown["ann"][:5]:
        wanted = next(name for name, text in texts(trace).items() if text.startswith("answer"))
        answer(store, by_name["ann"], trace, said.pop() if said else wanted)
    answer(store, by_name["ann"], shown["ann"][4], "Tie")
    for trace in shown["bea"][:2]:
        answer(store, by_name["bea"], trace, "First answer")
    store.set_review_queue_item_status(
        by_name["bea"].queue_id, item_id=shown["bea"][2].info.trace_id, status="declined", completed_by="default"
    )
    repeated = annotation_rows([1.5] * 40)[::-1]
    again = write_annotations(tmp_path / "again" / "annotations.json", repeated).parent
    read = alpacabench("labels", "--mlflow", "--tracking-uri", uri, "--run", folder, again)
    assert read.returncode == 0, read.stderr
    assert 'Ann: 5 labels, 2 of them ties, 1 "cannot say"' in read.stdout
    assert 'bea: 3 labels, 0 of them ties, 1 "cannot say"' in read.stdout
    rows = json.loads((folder / "labels.json").read_text())
    ann = [row["preference"] for row in rows if row["labeller"] == "Ann"]
    assert sorted(ann, key=str) == [1.5, 1.5, 2.0, 2.0, None]
    assert sorted(row["id"] for row in json.loads((again / "labels.json").read_text())) == sorted(r["id"] for r in rows)


def test_what_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", [2.0, 1.0])
    (tmp_path / "long.txt").write_text("Be kind. " * 200)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    for words, message in (
        (("label", folder, "--mlflow"), "--labeller: missing"),
        (("label", folder, "--mlflow", "--labeller", "Ann", "ann"), "name each person once"),
        (("label", folder, "--mlflow", "--labeller", "ann", "--policy", tmp_path / "long.txt"), "MLflow shows 1000"),
        (("label", folder, "--labeller", "ann"), "given without --mlflow"),
        (("labels",), "none given"),
        (("labels", "--mlflow"), f"no review queue in the experiment '{EXPERIMENT}'"),
        (("labels", "--mlflow", "--tracking-uri", "http://127.0.0.1:9"), "nothing answers at http://127.0.0.1:9"),
    ):
        done = alpacabench(*words, MLFLOW_TRACKING_URI=uri)
        assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr, done.stderr


@pytest.mark.browser
def test_a_person_answers_in_mlflows_own_page(tmp_path: Path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    if not shutil.which("chromium"):
        pytest.skip("Debian's chromium is absent: apt-get install chromium")
    folder = write_run(tmp_path / "run", [2.0, 1.0] * 5)
    with mlflow_server(f"sqlite:///{tmp_path}/mlflow.db", tmp_path) as address:
        made = alpacabench("label", folder, "--mlflow", "--tracking-uri", address, "--labeller", "ann", "--n", 3)
        assert made.returncode == 0, made.stderr
        store, experiment, by_name = queues(address)
        with sync_api.sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(120_000)
            page.add_init_script("localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')")
            page.goto(f"{address}/#/experiments/{experiment}/review-queue")
            page.click("text=/^ann \\(/")
            page.click("text=Start review")
            for number, said in enumerate(("First answer", "Tie", "Cannot say"), start=1):
                page.wait_for_selector(f"text=/^{number - 1} of 3 reviewed/")
                page.wait_for_selector(f"text={QUESTION}")
                for heading in ("First answer", "Second answer"):
                    page.get_by_role("heading", name=heading).wait_for()
                page.click("text=Select an option")
                page.click(f"[role=option]:has-text('{said}')")
                if number == 1:
                    page.screenshot(path=tmp_path / "queue.png")
                page.click("button:has-text('Submit')")
            for _ in range(60):
                if len(store.list_review_queue_items(by_name["ann"].queue_id, status="complete")) == 3:
                    break
                page.wait_for_timeout(500)
            page.screenshot(path=tmp_path / "end.png")
            browser.close()
        read = alpacabench("labels", "--mlflow", "--tracking-uri", address, "--run", folder)
    assert 'ann: 3 labels, 1 of them ties, 1 "cannot say"' in read.stdout, read.stdout + read.stderr
