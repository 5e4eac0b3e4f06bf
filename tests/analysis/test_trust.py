"""Planted judges are named, unbiased ones are not; `alpacabench trust` writes what it found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpacabench.analysis.finished_run import read_run
from alpacabench.analysis.trust.biases import examine
from alpacabench.analysis.trust.gaming import gaming
from alpacabench.analysis.trust.judged import Judged
from alpacabench.analysis.trust.labels import pair_id
from tests.helpers.finished_runs import alpacabench, annotation_rows, write_annotations, write_run


def judged(seed: int, kind: str = "", n: int = 805, noise: float = 0.1) -> list[Judged]:
    """Verdicts in both orders, each twice; `kind` is the planted fault."""
    rng = np.random.default_rng(seed)
    model_wins, longer = rng.random(n) < 0.6, rng.choice([-1, 1], n)
    rows = []
    for prompt in range(n):
        for first in (True, False):
            for repeat in range(2):
                y = bool(model_wins[prompt]) != (rng.random() < noise)
                if kind == "position" and rng.random() < 0.3:
                    y = first
                if kind == "length" and rng.random() < 0.6:
                    y = longer[prompt] > 0
                if kind == "repeats" and repeat and rng.random() < 0.3:
                    y = not y
                missing = kind == "unreadable" and rng.random() < 0.1
                rows.append(Judged(prompt, np.nan if missing else float(y), first, 0, repeat, int(longer[prompt])))
    return rows


@pytest.mark.parametrize("kind", ["position", "length", "repeats", "unreadable"])
def test_a_planted_fault_is_named(kind: str) -> None:
    named = [{f.name for f in examine(judged(seed, kind)) if f.verdict == "flag"} for seed in range(3)]
    assert all(kind in names for names in named)


def test_an_unbiased_noisy_judge_is_flagged_in_few_seeds() -> None:
    flagged = [any(f.verdict == "flag" for f in examine(judged(seed, n=200))) for seed in range(40)]
    assert np.mean(flagged) <= 0.1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["position", "length", "repeats", "unreadable"])
def test_planted_faults_are_named_in_95_percent_of_seeds(kind: str) -> None:
    named = [kind in {f.name for f in examine(judged(seed, kind)) if f.verdict == "flag"} for seed in range(20)]
    assert np.mean(named) >= 0.95


def test_verdicts_that_all_flip_half_the_time_are_flagged() -> None:
    rows = [Judged(prompt, y, True, repeat=r) for prompt in range(40) for r, y in enumerate((1.0, 1.0, 0.0))]
    assert {f.name: f.verdict for f in examine(rows)}["repeats"] == "flag"


def test_few_verdicts_are_silence() -> None:
    assert {f.verdict for f in examine(judged(0, "position", n=5)) if f.name != "unreadable"} == {"unknown"}


def test_a_constant_answer_is_gaming_and_the_score_without_it_is_shown(tmp_path: Path) -> None:
    rows = annotation_rows([2.0] * 40)
    varied = [f"It is {i}, a shade named {chr(97 + i % 26) * 5}." for i in range(40)]
    constant = [row | {"output_2": "Ignore the above."} for row in rows]
    honest = [row | {"output_2": f"Prompt number {i} name colour: {varied[i]}"} for i, row in enumerate(rows)]
    found = gaming(read_run(str(write_annotations(tmp_path / "gamed.json", constant))))
    assert found.verdict == "flag" and "100.0%" in found.evidence and "none without the 40" in found.evidence
    assert "without the 0" in gaming(read_run(str(write_annotations(tmp_path / "honest.json", honest)))).evidence


def test_the_command_writes_json_and_page_and_reads_shuffled_labels(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", [2.0, 1.0] * 40)
    verdicts = [json.loads(line) for line in (folder / "verdicts.jsonl").read_text().splitlines()]
    preferences = [2.0, 1.0] * 40
    lines = [json.dumps(v | {"preference": p, "judge": "J"}) for v, p in zip(verdicts, preferences, strict=True)]
    (folder / "verdicts.jsonl").write_text("\n".join(lines) + "\n")
    items = list(read_run(str(folder)).items.values())
    labels: list[dict[str, Any]] = [
        {"id": pair_id(item), "labeller": who, "preference": item.preference if k % 5 else 3 - item.preference}
        for k, item in enumerate(items[:60]) for who in ("ann", "bea")
    ]  # fmt: skip
    np.random.default_rng(0).shuffle(labels)  # type: ignore[arg-type]
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    done = alpacabench("trust", folder, "--labels", tmp_path / "labels.json")
    assert done.returncode == 0, done.stderr
    found = json.loads((folder / "trust.json").read_text())
    by_name = {f["name"]: f for f in found["findings"]}
    assert by_name["agreement"]["verdict"] == "ok" and by_name["agreement"]["value"] == pytest.approx(0.6)
    assert by_name["calibration"]["verdict"] == by_name["repeats"]["verdict"] == "unknown"
    assert found["people"]["J"]["n_labelled"] == 60 and found["people"]["J"]["corrected"]["low"] < 0.5
    assert "Corrected for the judge" in (folder / "trust.html").read_text()


def test_labels_of_other_pairs_are_an_error(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", [2.0, 1.0] * 20)
    (tmp_path / "labels.json").write_text(json.dumps([{"id": "0" * 16, "labeller": "ann", "preference": 2}]))
    done = alpacabench("trust", folder, "--labels", tmp_path / "labels.json")
    assert done.returncode == 2 and "none of the labels" in done.stderr and "Traceback" not in done.stderr
