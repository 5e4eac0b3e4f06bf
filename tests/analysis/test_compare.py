"""`alpacabench compare` as a process: figures, refusals, files of every kind."""

from __future__ import annotations

import gzip
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.finished_runs import ROOT, alpacabench, annotation_rows, write_annotations, write_run

BASE = [1.9, 1.0, 1.0, 2.0, 1.2, 1.1, 1.0, 1.8, 1.0, 1.0]
RUN = [1.9, 2.0, 1.0, 1.0, 1.2, 1.9, 1.9, 1.8, 1.0, 1.0]

PAIRS = [
    ("vicuna-13b-v1.5", "vicuna-13b-v1.5-togetherai", 0.24, 0.65, 1.10, 2.8, 5.8, 1.1, 1.14, 1.62),
    ("gpt-3.5-turbo-1106", "gpt-3.5-turbo-1106_concise", -1.76, 0.66, 1.22, 3.4, 5.1, -3.5, 1.42, 2.17),
    ("gpt-3.5-turbo-1106", "gpt-3.5-turbo-1106_verbose", 3.59, 0.83, 1.37, 2.7, 8.9, 2.7, 1.58, 2.24),
    (
        "FuseChat-Llama-3.2-3B-Instruct",
        "FuseChat-Llama-3.1-8B-Instruct",
        12.03,
        1.29,
        2.05,
        2.5,
        23.9,
        11.4,
        1.41,
        2.12,
    ),
]
"""MEASUREMENT 2.2 and 2.4: difference, paired and unpaired error, variance reduction, flips %; LC with its errors."""


def compare_json(*arguments: object) -> dict[str, Any]:
    found = alpacabench("compare", *arguments, "--json")
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


@pytest.mark.parametrize("pair", [*PAIRS[:1], *(pytest.param(pair, marks=pytest.mark.slow) for pair in PAIRS[1:])])
def test_the_measured_pairs_come_out_of_the_command_with_their_figures(alpaca_data: Path, pair: Any) -> None:
    base, run, delta, error, unpaired, reduction, flips, lc, lc_error, lc_unpaired = pair
    files = [alpaca_data / f"{name}.annotations.json.gz" for name in (base, run)]
    reference = alpaca_data / "gpt4_1106_preview.outputs.json.gz"
    metrics = compare_json(*files, "--lc-data", alpaca_data / "df_gamed.csv", "--dataset", reference)["metrics"]
    assert metrics["delta_wr"] == pytest.approx(delta, abs=0.01)
    assert metrics["delta_wr_se"] == pytest.approx(error, abs=0.02)
    assert metrics["delta_se_unpaired"] == pytest.approx(unpaired, abs=0.02)
    assert metrics["variance_reduction"] == pytest.approx(reduction, abs=0.05)
    assert metrics["flip_rate"] * 100 == pytest.approx(flips, abs=0.1)
    assert metrics["delta_lc"] == pytest.approx(lc, abs=0.05)
    assert metrics["delta_lc_se"] == pytest.approx(lc_error, abs=0.02)
    assert metrics["delta_lc_se_unpaired"] == pytest.approx(lc_unpaired, abs=0.02)


def test_the_figures_of_a_small_pair_are_those_computed_by_hand(tmp_path: Path) -> None:
    found = compare_json(write_run(tmp_path / "a", BASE), write_run(tmp_path / "b", RUN))
    differences = [b - a for a, b in zip(BASE, RUN, strict=True)]
    mean = sum(differences) / 10
    error = math.sqrt(sum((d - mean) ** 2 for d in differences) / 9 / 10)
    metrics = found["metrics"]
    assert metrics["delta_wr"] == pytest.approx(mean * 100)
    assert metrics["delta_wr_se"] == pytest.approx(error * 100)
    padded = [*differences, 1.0, -1.0]  # few prompts: one won and one lost more, and t quantiles
    centre = sum(padded) / 12
    cautious = math.sqrt(sum((d - centre) ** 2 for d in padded) / 11 / 12)
    assert (metrics["delta_ci_low"], metrics["delta_ci_high"]) == pytest.approx(
        ((centre - 2.200985 * cautious) * 100, (centre + 2.200985 * cautious) * 100), abs=1e-4
    )
    assert (metrics["flip_rate"], metrics["win_to_loss"], metrics["loss_to_win"]) == pytest.approx((0.4, 0.1, 0.3))
    assert metrics["mcnemar_p"] == pytest.approx(2 * (1 + 4) / 16)
    assert metrics["mde_80_paired"] == pytest.approx((2.200985 + 0.875530) * cautious * 100, abs=1e-3)
    assert [flip["direction"] for flip in found["flipped"]].count("loss_to_win") == 3


def test_swapping_the_two_runs_changes_the_sign_and_nothing_else(tmp_path: Path) -> None:
    a, b = write_run(tmp_path / "a", BASE), write_run(tmp_path / "b", RUN)
    one, other = compare_json(a, b)["metrics"], compare_json(b, a)["metrics"]
    assert one["delta_wr"] == pytest.approx(-other["delta_wr"])
    assert one["win_to_loss"] == other["loss_to_win"]
    assert one["delta_wr_se"] == pytest.approx(other["delta_wr_se"])


def test_every_kind_of_file_gives_the_same_figures(tmp_path: Path) -> None:
    base = write_run(tmp_path / "base", BASE)
    plain = write_annotations(tmp_path / "b.annotations.json", annotation_rows(RUN)[::-1])
    packed = tmp_path / "b.json.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
    lines = tmp_path / "b.jsonl"
    lines.write_text("".join(json.dumps(row) + "\n" for row in annotation_rows(RUN)), encoding="utf-8")
    theirs = write_annotations(tmp_path / "results" / "model" / "judge" / "annotations.json", annotation_rows(RUN))
    given = [write_run(tmp_path / "run", RUN), plain, packed, lines, theirs, theirs.parents[1]]
    metrics = [compare_json(base, file)["metrics"] for file in given]
    assert all(found == metrics[0] for found in metrics)


def test_prompts_without_a_verdict_are_left_out_and_said_so(tmp_path: Path) -> None:
    a, b = write_run(tmp_path / "a", [None, *BASE[1:]]), write_run(tmp_path / "b", [*RUN[:-1], None])
    page = tmp_path / "pair.html"
    found = compare_json(a, b, "--html", page)
    assert found["metrics"]["n_paired"] == 8
    assert found["notes"][0] == "2 of 10 prompts lack a verdict in one run: left out"
    base, run = sum(BASE[1:]) - 9, sum(RUN[:-1]) - 9
    sides = [(found[side]["win_rate_bound_low"], found[side]["win_rate_bound_high"]) for side in ("base", "run")]
    assert sides[0] == pytest.approx((base * 10, (base + 1) * 10))
    assert sides[1] == pytest.approx((run * 10, (run + 1) * 10))
    low, high = (run - base - 1) * 10, (run + 1 - base) * 10
    assert found["metrics"]["delta_bound_low"] == pytest.approx(low)
    assert found["metrics"]["delta_bound_high"] == pytest.approx(high)
    told = f"between +{low:.2f} points" if low > 0 else f"between −{-low:.2f} points"
    assert told in found["notes"][1] and told in page.read_text() and "delta_bound_low" in page.read_text()
    assert told in " ".join(alpacabench("compare", a, b).stdout.split())


def test_without_a_missing_verdict_there_are_no_bounds(tmp_path: Path) -> None:
    found = compare_json(write_run(tmp_path / "a", BASE), write_run(tmp_path / "b", RUN))
    assert "delta_bound_low" not in found["metrics"] and "win_rate_bound_low" not in found["run"]


def test_alpaca_evals_old_codes_are_a_draw_and_a_failure(tmp_path: Path) -> None:
    rows = annotation_rows([0, -1, *RUN[2:]])
    found = compare_json(write_run(tmp_path / "a", BASE), write_annotations(tmp_path / "b.json", rows))
    assert found["metrics"]["n_paired"] == 9
    expected = (0.5 - 0.9 + sum(b - a for a, b in zip(BASE[2:], RUN[2:], strict=True))) / 9 * 100
    assert found["metrics"]["delta_wr"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"annotator": "another_judge"}, "judge: weighted_alpaca_eval_gpt4_turbo and another_judge"),
        ({"generator_1": "text_davinci_003"}, "reference: gpt4_1106_preview and text_davinci_003"),
        ({"output_1": "another answer"}, "reference: other answers to 10 prompts"),
        ({"seed": 1}, "slots: the order of the two answers differs on"),
        ({"judge": {"order": "both"}}, "judge.order: 'seeded' and 'both'"),
        ({"judge": {"template": "mine.txt"}}, "judge.template: None and 'mine.txt'"),
        ({"judge": {"temperature": 1.0}}, "judge.temperature: 0.0 and 1.0"),
    ],
)
def test_a_pair_that_is_none_is_refused_by_name(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    base, run = write_run(tmp_path / "a", BASE), write_run(tmp_path / "b", RUN, **changes)
    found = alpacabench("compare", base, run)
    assert (found.returncode, found.stdout) == (2, "")
    assert message in found.stderr and "Traceback" not in found.stderr


def test_how_a_judge_is_asked_decides_no_verdict(tmp_path: Path) -> None:
    asked = {"concurrency": 1, "base_url": "http://elsewhere/v1"}
    found = alpacabench("compare", write_run(tmp_path / "a", BASE), write_run(tmp_path / "b", RUN, judge=asked))
    assert found.returncode == 0, found.stderr


def test_another_subset_is_refused_with_the_number_of_prompts_on_each_side(tmp_path: Path) -> None:
    found = alpacabench("compare", write_run(tmp_path / "a", BASE), write_run(tmp_path / "b", RUN[:8]))
    assert found.returncode == 2
    assert "subset: 2 prompts only in model, 0 only in model" in found.stderr


def test_all_differences_are_reported_together(tmp_path: Path) -> None:
    run = write_run(tmp_path / "b", RUN[:8], annotator="x", generator_1="y")
    found = alpacabench("compare", write_run(tmp_path / "a", BASE), run)
    assert [part for part in ("judge:", "reference:", "subset:") if part in found.stderr] == [
        "judge:",
        "reference:",
        "subset:",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([{"instruction": "x", "preference": "good"}], "row 1: 'preference' is 'good'"),
        ([{"instruction": "x", "preference": 5}], "row 1: 'preference' is 5\n    allowed: 1 (reference wins)"),
        ([{"preference": 1}], "row 1: no 'instruction'"),
        ([{"instruction": "x", "preference": 1}] * 2, "row 2: the same instruction as row 1"),
        (
            [{"instruction": str(i), "annotator": str(i), "preference": 1} for i in range(2)],
            "rows of several 'annotator'",
        ),
        ([], "holds no annotations"),
    ],
)
def test_a_broken_file_is_named_with_its_row(tmp_path: Path, content: Any, message: str) -> None:
    path = write_annotations(tmp_path / "broken.json", content)
    found = alpacabench("compare", path, path)
    assert found.returncode == 2
    assert message in found.stderr and "Traceback" not in found.stderr


def test_what_is_neither_file_nor_run_is_refused(tmp_path: Path) -> None:
    found = alpacabench("compare", tmp_path / "nothing", tmp_path)
    assert found.returncode == 2 and "no such directory or file" in found.stderr
    found = alpacabench("compare", tmp_path, tmp_path)
    assert found.returncode == 2 and "holds no annotations.json" in found.stderr


def test_the_length_controlled_difference_says_which_variant_it_is_and_why(tmp_path: Path) -> None:
    import numpy as np

    rng = np.random.default_rng(3)
    lengths = rng.integers(10, 400, 120)
    wins = 1 + (rng.random((2, 120)) < 0.3 + 0.4 * (lengths > 200)).astype(float)
    runs = []
    for name, preferences in zip("ab", wins, strict=True):
        rows = annotation_rows(preferences.tolist(), output_1="r" * 200)
        rows = [row | {"output_2": "a" * int(k)} for row, k in zip(rows, lengths, strict=True)]
        runs.append(write_annotations(tmp_path / f"{name}.json", rows))
    found = compare_json(*runs)
    assert "delta_lc_noreg" in found["metrics"] and "delta_lc" not in found["metrics"]
    assert "--lc-data" in found["refused"]["length_controlled_winrate"]


def test_the_page_and_the_table_show_the_pair_with_its_flips(tmp_path: Path) -> None:
    a, b, page = write_run(tmp_path / "a", BASE), write_run(tmp_path / "b", RUN), tmp_path / "pair.html"
    found = alpacabench("compare", a, b, "--html", page, "--flips", 1)
    assert found.returncode == 0, found.stderr
    assert "The clearest 1 of 4 flips" in found.stdout and "McNemar" in found.stdout
    html = page.read_text(encoding="utf-8")
    assert html.count("Prompt number") >= 4 and "<svg" in html and "<script" not in html


@pytest.mark.slow
def test_a_run_named_by_its_mlflow_id_is_read_from_its_artifacts(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client = MlflowClient(uri)
    experiment = client.create_experiment("e", (tmp_path / "artifacts").as_uri())
    ids = []
    for name, preferences in (("a", BASE), ("b", RUN)):
        folder = write_run(tmp_path / name, preferences)
        ids.append(client.create_run(experiment).info.run_id)
        client.log_artifacts(ids[-1], str(folder))
    by_id = compare_json(*ids, "--tracking-uri", uri)
    assert by_id["metrics"] == compare_json(tmp_path / "a", tmp_path / "b")["metrics"]
    unknown = alpacabench("compare", "0" * 32, ids[0], "--tracking-uri", uri)
    assert unknown.returncode == 2 and "cannot be read" in unknown.stderr
    away = alpacabench("compare", *ids, "--tracking-uri", "http://127.0.0.1:9")
    assert away.returncode == 2 and "nothing answers at http://127.0.0.1:9" in away.stderr


def evaluate(folder: Path, *overrides: str) -> Path:
    """Run the pipeline itself."""
    store = f"store.url=sqlite:///{folder.parent / 'store.db'}"
    command = [sys.executable, "run.py", "tracking=none", store, f"hydra.run.dir={folder}", *overrides]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


def test_two_runs_of_the_pipeline_are_compared_as_they_lie(tmp_path: Path) -> None:
    common = ("model=echo", "judge=longest", "subset=head", "subset.n=40")
    base = evaluate(tmp_path / "base", *common)
    run = evaluate(tmp_path / "run", *common, "perturbation=typos", "perturbation.strength=1")
    found = compare_json(base, run)
    for side, folder in (("base", base), ("run", run)):
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        assert found[side]["win_rate"] == pytest.approx(metrics["win_rate"])
    assert found["metrics"]["n_paired"] == 40 and found["notes"] == []
    other = evaluate(tmp_path / "other", *common, "judge.seed=1")
    refused = alpacabench("compare", base, other)
    assert refused.returncode == 2 and "judge.seed: 0 and 1" in refused.stderr and "slots:" in refused.stderr


@pytest.mark.slow
def test_real_runs_of_the_pipeline_bring_their_own_difficulties(alpaca_data: Path, tmp_path: Path) -> None:
    folders = []
    for name in ("gpt-3.5-turbo-1106", "gpt-3.5-turbo-1106_verbose"):
        data = ("dataset=alpaca_eval", f"dataset.path={alpaca_data / 'gpt4_1106_preview.outputs.json.gz'}")
        recorded = (
            "model=recorded", f"model.path={alpaca_data / f'{name}.outputs.json.gz'}",
            "judge=recorded", f"judge.path={alpaca_data / f'{name}.annotations.json.gz'}",
        )  # fmt: skip
        folders.append(evaluate(tmp_path / name, *data, *recorded, f"scoring.lc_data={alpaca_data / 'df_gamed.csv'}"))
    found = compare_json(*folders)
    assert found["metrics"]["delta_lc"] == pytest.approx(2.73, abs=0.05)
    stored = json.loads((folders[0] / "metrics.json").read_text(encoding="utf-8"))
    assert found["base"]["length_controlled_winrate"] == pytest.approx(stored["length_controlled_winrate"])


def test_difficulties_without_the_data_set_that_they_belong_to_are_refused(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a", BASE)
    found = alpacabench("compare", run, run, "--lc-data", tmp_path / "df_gamed.csv")
    assert found.returncode == 2 and "--dataset: missing" in found.stderr


def test_comparing_files_imports_neither_torch_nor_mlflow_nor_hydra(tmp_path: Path) -> None:
    a, b = write_run(tmp_path / "a", BASE), write_run(tmp_path / "b", RUN)
    heavy = "('torch', 'mlflow', 'hydra', 'omegaconf', 'pandas', 'transformers', 'alpaca_eval')"
    code = (
        "import sys; from alpacabench.cli.main import main\n"
        f"code = main(['compare', {str(a)!r}, {str(b)!r}, '--html', {str(tmp_path / 'p.html')!r}])\n"
        f"print('LOADED', code, [m for m in {heavy} if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "LOADED 0 []"


def test_what_a_check_hides_is_hidden_in_page_terminal_and_json(tmp_path: Path) -> None:
    runs = []
    for name, preferences, person in (("a", BASE, "ann@acme.example"), ("b", RUN, "bob@acme.example")):
        folder = write_run(tmp_path / name, preferences)
        rows = json.loads((folder / "annotations.json").read_text())
        lines = []
        for row in rows:
            row["output_2"] = f"Write to {person} soon."
            place = {"rule": "email", "message": "an e-mail address", "start": 9, "end": 9 + len(person)}
            check = {"item_id": row["index"], "check": "own", "sample": 0, "violates": True, "masked": True}
            lines.append(json.dumps(check | {"findings": [place]}))
        write_annotations(folder / "annotations.json", rows)
        (folder / "checks.jsonl").write_text("\n".join(lines))
        runs.append(folder)
    page = tmp_path / "page.html"
    told = alpacabench("compare", *runs, "--html", page)
    assert told.returncode == 0, told.stderr
    texts = [page.read_text(), told.stdout, alpacabench("compare", *runs, "--json").stdout]
    assert all("acme" not in text for text in texts) and "Write to [own: email] soon." in texts[0]
