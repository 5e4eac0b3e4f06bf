"""A sweep over `variant` through the real command: its page, its metrics, and its runs in MLflow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alpacabench.analysis.ablation.answer import answer
from alpacabench.analysis.ablation.variant import System, read_variant
from alpacabench.analysis.finished_run import read_run
from alpacabench.report.ablation_report import write_ablation_report
from tests.helpers.command import metrics, run
from tests.helpers.finished_runs import instructions, write_run
from tests.helpers.sweep_command import children, newest_sweep, runs
from tests.helpers.tiny import build_tiny

VARIANTS = ("base", "casing_high", "punctuation_high", "floor_1", "floor_2")
BREAKS = ("model=echo", "model._target_=tests.helpers.ablation_model.BreaksOnLowerCase")


def test_an_ablation_names_what_breaks_the_model_and_its_runs_can_be_plotted(tmp_path: Path) -> None:
    grid = ("experiment=robustness", *BREAKS, "judge=longest", "subset=random", "subset.n=60")
    done = run(tmp_path, *grid, f"variant={','.join(VARIANTS)}")
    assert done.code == 0, done.text
    sweep = newest_sweep(tmp_path)
    found = json.loads((sweep / "ablation.json").read_text(encoding="utf-8"))
    assert [family["name"] for family in found["families"]] == ["casing", "punctuation"]
    assert [family["verdict"] for family in found["families"]][0] == "sensitive"
    page = (sweep / "ablation.html").read_text(encoding="utf-8")
    assert "Sensitive to casing; 1 of 2 families is not shown to matter" in page
    assert found["spread"]["n_decodes"] == 3 and found["families"][0]["rows"][0]["strength"] == 1.0
    parents, others = runs(tmp_path)
    assert {(r.data.params["variant"], r.data.params["perturbation"], r.data.params["strength"]) for r in others} == {
        ("base", "none", "0"), ("floor_1", "none", "0"), ("floor_2", "none", "0"),
        ("casing_high", "casing", "1"), ("punctuation_high", "punctuation", "1"),
    }  # fmt: skip
    assert len(children(parents[0], others)) == len(VARIANTS)
    assert parents[0].data.metrics["excess_flip/casing_high"] > 0.4 > parents[0].data.metrics["floor_flip_rate"]
    artifacts = {path.name for path in (tmp_path / "outputs" / "artifacts").rglob("ablation.*")}
    assert artifacts == {"ablation.html", "ablation.json"}


def test_an_ablation_writes_each_distinct_prompt_once_and_a_second_call_writes_nothing(tmp_path: Path) -> None:
    model = build_tiny(tmp_path / "tiny", max_position_embeddings=4096)
    grid = (
        "experiment=robustness", f"variant={','.join(VARIANTS)}", "model=hf", f"model.path={model}", "judge=longest",
        "subset=random", "subset.n=8", "decoding.max_new_tokens=4", "tracking=none",
    )  # fmt: skip
    found = []
    for call in ("one", "two"):
        done = run(tmp_path, *grid, f"hydra.sweep.dir={tmp_path}/{call}")
        assert done.code == 0, done.text
        found.append([metrics(tmp_path / call / str(job)) for job in range(len(VARIANTS))])
    rows = [json.loads(line) for path in tmp_path.glob("one/*/generations.jsonl") for line in path.open()]
    first, second = found
    assert sum(job["n_generated"] for job in first) == len({row["key"] for row in rows}) < len(rows) == 40
    assert sum(job["model_loads"] for job in first) == 1
    assert sum(job["n_generated"] + job["n_judged"] + job["model_loads"] for job in second) == 0


def recorded_ablation(data: Path, directory: Path, models: dict[str, str]) -> dict[str, Any]:
    """Sweep over recorded outputs, a variant file for each as docs/ablations.md shows; returns ablation.json."""
    folder = directory / "mine" / "variant"
    folder.mkdir(parents=True)
    for name, model in models.items():
        files = {kind: data / f"{model}.{kind}.json.gz" for kind in ("outputs", "annotations")}
        (folder / f"{name}.yaml").write_text(
            f"# @package _global_\nvariant: {name}\n"
            f"model: {{path: '{files['outputs']}'}}\njudge: {{path: '{files['annotations']}'}}\n"
        )
    reference = data / "gpt4_1106_preview.outputs.json.gz"
    done = run(
        directory, "-m", "--config-dir", str(folder.parent), "tracking=none", "model=recorded", "judge=recorded",
        "dataset=alpaca_eval", f"dataset.path={reference}", f"variant={','.join(models)}",
    )  # fmt: skip
    assert done.code == 0, done.text
    found: dict[str, Any] = json.loads((newest_sweep(directory) / "ablation.json").read_text(encoding="utf-8"))
    return found


def test_one_model_on_two_hosts_is_the_measured_noise_floor(alpaca_data: Path, tmp_path: Path) -> None:
    hosts = {"plain": "vicuna-13b-v1.5", "floor_host": "vicuna-13b-v1.5-togetherai"}
    figures = recorded_ablation(alpaca_data, tmp_path, hosts)["metrics"]
    assert figures["floor_flip_rate"] * 100 == pytest.approx(5.8, abs=0.05)
    assert figures["floor_worst_of_k"] == pytest.approx(4.1, abs=0.05)


def test_three_wordings_of_a_system_prompt_flip_as_many_winners_as_measured(alpaca_data: Path, tmp_path: Path) -> None:
    name = "gpt-3.5-turbo-1106"
    wordings = {"plain": name, "concise": f"{name}_concise", "verbose": f"{name}_verbose"}
    found = recorded_ablation(alpaca_data, tmp_path, wordings)
    assert found["metrics"]["flip_rate/concise"] * 100 == pytest.approx(5.1, abs=0.05)
    assert found["metrics"]["flip_rate/verbose"] * 100 == pytest.approx(8.9, abs=0.05)
    assert found["metrics"]["delta_wr/concise"] == pytest.approx(-1.76, abs=0.01)
    assert found["metrics"]["delta_wr/verbose"] == pytest.approx(3.59, abs=0.01)


def test_each_system_of_a_sweep_has_its_own_page(tmp_path: Path) -> None:
    grid = ("-m", *BREAKS, "judge=longest", "subset=random", "subset.n=12", "decoding=sampling", "tracking=none")
    done = run(tmp_path, *grid, "variant=base,casing_high", "decoding.temperature=0.5,1.0")
    assert done.code == 0, done.text
    pages = {path.name for path in newest_sweep(tmp_path).glob("ablation*.html")}
    assert pages == {"ablation-decoding.temperature_0.5.html", "ablation-decoding.temperature_1.0.html"}


def test_flips_of_recorded_variants_are_shown_although_their_wording_is_not_recorded(tmp_path: Path) -> None:
    base, other = (
        write_run(tmp_path / "base", [2.0, 1.0, 1.0, 2.0]),
        write_run(tmp_path / "other", [1.0, 1.0, 1.0, 2.0]),
    )
    for folder in (base, other):
        rows = [{"item_id": i, "sample": 0, "prompt": text, "system": None} for i, text in enumerate(instructions(4))]
        (folder / "generations.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = System(read_variant("base", read_run(str(base))), (read_variant("concise", read_run(str(other))),), ())
    table = answer(found)
    assert [prompt.instruction for prompt in table.flipping] == instructions(4)[:1]
    page = write_ablation_report(tmp_path / "page.html", table).read_text(encoding="utf-8")
    assert "Its wording is not recorded." in page
