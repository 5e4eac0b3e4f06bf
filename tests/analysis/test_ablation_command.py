"""`alpacabench ablation` as a process, on annotation files and run directories."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.finished_runs import alpacabench, annotation_rows, write_annotations, write_run

BASE = [1.9, 1.0, 1.0, 2.0, 1.2, 1.1, 1.0, 1.8, 1.0, 1.0]
AGAIN = [1.9, 2.0, 1.0, 1.0, 1.2, 1.1, 1.0, 1.8, 1.0, 1.0]
OTHER = [1.1, 1.0, 1.0, 1.0, 1.2, 1.1, 2.0, 1.0, 1.0, 1.0]


def ablation_json(folder: Path, *arguments: object) -> dict[str, Any]:
    found = alpacabench("ablation", *arguments, "--html", folder / "ablation.html", "--json")
    assert found.returncode == 0, found.stderr
    assert (folder / "ablation.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    return json.loads(found.stdout)


def files(data: Path, *names: str) -> list[Path]:
    return [data / f"{name}.annotations.json.gz" for name in names]


def test_the_measured_floor_of_one_model_on_two_hosts(alpaca_data: Path, tmp_path: Path) -> None:
    one, other = files(alpaca_data, "vicuna-13b-v1.5", "vicuna-13b-v1.5-togetherai")
    found = ablation_json(tmp_path, "--base", one, "--floor", other)
    assert found["floor_flip_rate"]["value"] == pytest.approx(5.8, abs=0.05)
    assert found["floors"][0]["delta_wr"]["value"] == pytest.approx(0.24, abs=0.01)
    assert found["metrics"]["floor_worst_of_k"] == pytest.approx(4.1, abs=0.05) and found["metrics"]["k"] == 2
    assert found["metrics"]["floor_pss"] == pytest.approx(0.055, abs=0.001)


def test_the_measured_flips_and_length_controlled_differences_of_three_wordings(
    alpaca_data: Path, tmp_path: Path
) -> None:
    name = "gpt-3.5-turbo-1106"
    base, concise, verbose = files(alpaca_data, name, f"{name}_concise", f"{name}_verbose")
    found = ablation_json(
        tmp_path, "--base", base, "--effect", f"concise={concise}", "--variant", f"verbose={verbose}",
        "--lc-data", alpaca_data / "df_gamed.csv", "--dataset", alpaca_data / "gpt4_1106_preview.outputs.json.gz",
    )  # fmt: skip
    rows = {row["name"]: row for family in found["families"] for row in family["rows"]}
    assert rows["concise"]["flip_rate"]["value"] == pytest.approx(5.1, abs=0.05)
    assert rows["verbose"]["flip_rate"]["value"] == pytest.approx(8.9, abs=0.05)
    assert rows["concise"]["delta_lc"]["value"] == pytest.approx(-3.5, abs=0.05)
    assert rows["verbose"]["delta_lc"]["value"] == pytest.approx(2.7, abs=0.05)
    assert {family["name"]: family["verdict"] for family in found["families"]} == {
        "concise": "effect", "verbose": "sensitive"
    }  # fmt: skip


def test_the_figures_of_a_small_ablation_are_those_computed_by_hand(tmp_path: Path) -> None:
    other = write_annotations(tmp_path / "other.annotations.json", annotation_rows(OTHER))
    base, again = write_run(tmp_path / "base", BASE), write_run(tmp_path / "again", AGAIN)
    metrics = ablation_json(tmp_path, "--base", base, "--floor", again, "--variant", f"casing_low={other}")["metrics"]
    assert metrics["flip_rate/casing_low"] == pytest.approx(0.4)
    assert (metrics["win_to_loss/casing_low"], metrics["loss_to_win/casing_low"]) == pytest.approx((0.3, 0.1))
    assert metrics["floor_flip_rate"] == pytest.approx(0.2) and metrics["excess_flip"] == pytest.approx(0.2)
    assert metrics["worst_of_k"] == pytest.approx(sum(map(min, BASE, OTHER)) * 10 - 100)
    assert metrics["floor_worst_of_k"] == pytest.approx(sum(map(min, BASE, AGAIN)) * 10 - 100)
    assert metrics["pdr/casing_low"] == pytest.approx(1 - (sum(OTHER) - 10) / (sum(BASE) - 10))
    assert metrics["delta_wr/casing_low"] == pytest.approx((sum(OTHER) - sum(BASE)) * 10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "nothing to compare with the base"),
        (("--variant", "base"), "--variant: given 'base'"),
        (("--variant", "a={run}", "--variant", "a={run}"), "a name is given twice"),
        (("--variant", "a={foreign}"), "judge: weighted_alpaca_eval_gpt4_turbo and another_judge"),
        (("--floor", "nowhere"), "'nowhere': no such directory or file"),
    ],
)
def test_what_is_no_ablation_is_refused_by_name(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    base, run = write_run(tmp_path / "base", BASE), write_run(tmp_path / "run", OTHER)
    foreign = write_annotations(tmp_path / "foreign.json", annotation_rows(OTHER, annotator="another_judge"))
    given = [argument.format(run=run, foreign=foreign) for argument in arguments]
    found = alpacabench("ablation", "--base", base, *given)
    assert found.returncode == 2 and message in found.stderr and "Traceback" not in found.stderr
