"""Jobs that differ in a seed alone are one setting in the table; each stands by itself in sweep.csv."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alpacabench.analysis.sweep.against import compare_to_base
from alpacabench.analysis.sweep.replicates import by_setting
from alpacabench.io.manifest import JobResult, Manifest, label
from alpacabench.sweeps.conclude import conclude
from tests.helpers.finished_runs import write_run
from tests.helpers.sweep_data import scored

AXES = ["decoding", "decoding.seed"]
MANIFEST = Manifest("f" * 64, "replicates", None, AXES, {}, {})
Jobs = list[tuple[dict[str, str], list[float]]]


def planted(prompts: int, seeds: int) -> Jobs:
    """Return jobs of two settings, the second better, with several seeds each."""
    rng = np.random.default_rng(4)
    chance = rng.beta(0.6, 0.9, prompts)
    return [
        ({"decoding": name, "decoding.seed": str(seed)}, list(1.0 + (rng.random(prompts) < chance + better)))
        for name, better in (("a", 0.0), ("b", 0.2))
        for seed in range(seeds)
    ]


def finished(folder: Path, jobs: Jobs) -> list[tuple[JobResult, Path]]:
    results = []
    for number, (params, preferences) in enumerate(jobs):
        path = write_run(folder / str(number), preferences)
        held = {"win_rate": (np.mean(preferences) - 1) * 100, "n_total": len(preferences), "full_cost_usd": 1.0}
        (path / "metrics.json").write_text(json.dumps(held | {"cost_usd": 0.5}))
        (path / "verdicts.jsonl").write_text("")
        results.append((JobResult(number, label(params), str(number), params, "finished", 2.0), path))
    return results


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_settings_difference_is_that_of_the_means_over_its_replicates() -> None:
    jobs = planted(200, 4)
    sweep = scored(jobs)
    settings = by_setting(sweep, [(job.result, job.directory) for job in sweep.jobs], base=5)
    assert [(job.result.number, job.result.name, job.replicates) for job in settings.sweep.jobs] == [
        (0, "decoding=a", 4),
        (5, "decoding=b", 4),
    ]
    against = compare_to_base(settings.sweep, settings.base, None)
    y = np.array([preferences for _, preferences in jobs]).reshape(2, 4, -1).mean(axis=1)
    difference = (y[0] - y[1]) * 100
    delta = against.comparisons[0].delta
    assert delta.estimate == pytest.approx(difference.mean())
    assert delta.standard_error == pytest.approx(difference.std(ddof=1) / math.sqrt(len(difference)))
    single = compare_to_base(sweep, 5, None).comparisons[0].delta
    assert delta.standard_error < 0.7 * single.standard_error


def test_a_prompt_without_a_verdict_in_one_replicate_is_in_no_figure() -> None:
    jobs = planted(40, 4)
    jobs[1][1][0] = math.nan
    sweep = scored(jobs)
    settings = by_setting(sweep, [(job.result, job.directory) for job in sweep.jobs], 0)
    assert settings.sweep.scored == sweep.scored
    assert [job.run.metrics["n_total"] for job in settings.sweep.jobs] == [39, 40]


def test_what_are_no_replicates_is_left_as_it_is() -> None:
    alone = scored([({"seed": str(seed)}, [1.0, 2.0, 1.5]) for seed in range(3)])
    twice = scored([({"decoding": name}, [1.0, 2.0, 1.5]) for name in ("a", "b", "b")])
    for sweep in (alone, twice):
        assert by_setting(sweep, [], 0).sweep is sweep
    whole = scored(planted(20, 2))
    one, *others = whole.jobs
    moved = replace(one, run=one.run.only(one.run.instructions[:10]))
    mixed = replace(whole, jobs=(moved, *others))
    assert [job.replicates for job in by_setting(mixed, [], 0).sweep.jobs] == [1, 1, 2]


def test_the_table_shows_settings_and_the_file_single_jobs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = finished(tmp_path, planted(120, 3))
    broken = JobResult(6, "decoding=b, decoding.seed=9", "6", {"decoding": "b", "decoding.seed": "9"}, "failed")
    metrics, files, _ = conclude(MANIFEST, [*results, (broken, tmp_path / "6")], 1, tmp_path, None)
    printed = capsys.readouterr().out
    assert "replicates" in printed and "to: decoding=a" in printed and "1 of 7 jobs failed" in printed
    assert (metrics["n_jobs"], metrics["n_settings"], metrics["best_run"]) == (7, 2, 3)
    assert metrics["sd_seed"] > 0
    page = files[1].read_text(encoding="utf-8")
    assert "All settings" in page and "Replicates" in page
    jobs, settings = rows(files[0]), rows(tmp_path / "sweep_settings.csv")
    assert [row["job"] for row in jobs] == [str(number) for number in range(7)]
    assert jobs[0]["delta_wr"] and jobs[2]["decoding.seed"] == "2", "compared with job 1, each by itself"
    assert [row["replicates"] for row in settings[:2]] == ["3", "3"]
    assert float(settings[0]["win_rate"]) == pytest.approx(np.mean([float(row["win_rate"]) for row in jobs[:3]]))
    assert (settings[1]["cost_usd"], settings[1]["full_cost_usd"]) == ("1.5", "1.0")
    assert metrics["win_rate"] == pytest.approx(float(settings[1]["win_rate"]))


def test_the_base_is_its_setting_where_the_base_itself_failed(tmp_path: Path) -> None:
    results = finished(tmp_path, planted(60, 3))
    results[0] = (replace(results[0][0], status="failed"), results[0][1])
    conclude(MANIFEST, results, 0, tmp_path, None)
    found = rows(tmp_path / "sweep_settings.csv")
    assert [row["base"] for row in found][:2] == ["True", "False"] and found[1]["delta_wr"]
