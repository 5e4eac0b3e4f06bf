"""The answer of a sweep: what is different, what is luck, what depends on what, and where the noise comes from."""

from __future__ import annotations

import csv
import gzip
import json
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from alpacabench.analysis.sweep.against import compare_to_base
from alpacabench.analysis.sweep.effects import effects
from alpacabench.analysis.sweep.scored import read_jobs
from alpacabench.analysis.sweep.variance import seed_spread, variance_split
from alpacabench.cli.hydra_overrides import pairs
from alpacabench.core.errors import ConfigError
from alpacabench.io.manifest import JobEntry, JobResult, Manifest
from alpacabench.sweeps.conclude import _length_controlled, conclude, sweep_metrics
from alpacabench.sweeps.grid import varying
from alpacabench.sweeps.sweep import base_number
from tests.helpers.sweep_data import scored


def _equal_jobs(random: np.random.Generator, jobs: int, prompts: int) -> list[tuple[dict[str, str], list[float]]]:
    """Return jobs of one true quality, with a difficulty per prompt that they share: paired, as real runs are."""
    chance = random.beta(0.5, 1.5, prompts)
    return [({"seed": str(job)}, list(1.0 + (random.random(prompts) < chance))) for job in range(jobs)]


@pytest.mark.slow
def test_the_family_wise_error_of_the_table_is_at_most_five_percent_in_1000_null_sweeps() -> None:
    random, sweeps, holm, joint = np.random.default_rng(7), 1000, 0, 0
    for _ in range(sweeps):
        found = compare_to_base(scored(_equal_jobs(random, 5, 200)), 0, None).comparisons.values()
        holm += any(c.p_holm < 0.05 for c in found)
        joint += any(c.p_max_t < 0.05 for c in found)
    tolerated = binom.ppf(0.99, sweeps, 0.05)
    assert holm <= tolerated and joint <= tolerated
    assert joint >= binom.ppf(0.001, sweeps, 0.02), "a test that never rejects would pass too"


def test_a_planted_difference_is_found_and_equal_jobs_stay_tied() -> None:
    random = np.random.default_rng(1)
    jobs = _equal_jobs(random, 3, 400)
    base = np.array(jobs[0][1])
    jobs.append(({"seed": "better"}, list(np.where(random.random(400) < 0.12, 2.0, base))))
    sweep = scored(jobs)
    against = compare_to_base(sweep, 0, None)
    assert against.comparisons[3].p_holm < 0.001 and against.comparisons[3].p_max_t < 0.001
    assert all(against.comparisons[n].p_holm > 0.05 for n in (1, 2))
    assert against.comparisons[3].delta.estimate == pytest.approx((np.mean(jobs[3][1]) - base.mean()) * 100)
    assert against.selection is not None and against.selection.best == 3


def test_a_missing_verdict_leaves_out_its_prompt_and_a_missing_base_leaves_out_the_differences() -> None:
    sweep = scored([({"a": "x"}, [1.0, 2.0, float("nan"), 2.0]), ({"a": "y"}, [2.0, 2.0, 1.0, 1.5])])
    assert compare_to_base(sweep, 0, None).comparisons[1].delta.n_paired == 3
    lost = compare_to_base(sweep, 5, None)
    assert lost.comparisons == {} and lost.selection is not None and "job 5" in lost.warnings[0]


def test_main_effects_and_a_planted_interaction_are_recovered() -> None:
    random, n = np.random.default_rng(3), 600
    item = random.normal(0, 0.05, n)
    jobs = []
    for decoding in ("greedy", "sampling"):
        for perturbation in ("none", "typos"):
            level = 0.5 - 0.1 * (perturbation == "typos") - 0.15 * (decoding == "sampling" and perturbation == "typos")
            y = np.clip(level + item + random.normal(0, 0.05, n), 0, 1)
            jobs.append(({"decoding": decoding, "perturbation": perturbation}, list(1 + y)))
    found = {effect.name: effect for effect in effects(scored(jobs), ["decoding", "perturbation"])}
    assert set(found) == {
        "decoding: sampling instead of greedy",
        "perturbation: typos instead of none",
        "decoding=sampling x perturbation=typos",
    }
    assert found["perturbation: typos instead of none"].estimate.value == pytest.approx(-17.5, abs=1)
    assert found["decoding: sampling instead of greedy"].estimate.value == pytest.approx(-7.5, abs=1)
    assert found["decoding=sampling x perturbation=typos"].estimate.value == pytest.approx(-15, abs=1.5)
    assert all(effect.p_holm is not None and effect.p_holm < 0.01 for effect in found.values())


def test_seeds_are_replicates_and_a_cell_that_is_missing_is_left_out() -> None:
    jobs = [({"decoding": d, "seed": s}, [1.0, 1.5, 2.0]) for d in ("a", "b") for s in ("0", "1")]
    assert [effect.name for effect in effects(scored(jobs[:3]), ["decoding", "seed"])] == ["decoding: b instead of a"]
    assert effects(scored(jobs[:2]), ["decoding", "seed"]) == ()


def _verdicts(directory: Path, number: int, rows: list[dict[str, object]]) -> None:
    (directory / str(number)).mkdir(parents=True)
    text = "\n".join(json.dumps({"sample": 0, "repeat": 0, "judge": "j"} | row) for row in rows)
    (directory / str(number) / "verdicts.jsonl").write_text(text)


def test_the_variance_split_recovers_prompts_seed_and_slot(tmp_path: Path) -> None:
    random, n = np.random.default_rng(5), 400
    item = random.normal(0, 0.2, n)
    jobs = []
    for seed in range(4):
        own = random.normal(0, 0.1, n)
        y = [(i, slot, 0.5 + item[i] + own[i] + random.normal(0, 0.05)) for i in range(n) for slot in (0, 1)]
        _verdicts(tmp_path, seed, [{"item_id": i, "slot": slot, "y": value} for i, slot, value in y])
        jobs.append(({"seed": str(seed)}, list(1 + np.clip(0.5 + item + own, 0, 1))))
    split = variance_split(scored(jobs, tmp_path), ["seed"])
    total = 0.2**2 + 0.1**2 + 0.05**2
    assert list(split) == ["prompts", "decoding seed", "slot"] and sum(split.values()) == pytest.approx(100)
    assert split["prompts"] == pytest.approx(0.2**2 / total * 100, abs=4)
    # Two slots are all there are: their divisor is 2, and half of the noise planted in them is the decode's.
    assert split["decoding seed"] == pytest.approx((0.1**2 + 0.05**2 / 2) / total * 100, abs=2)
    assert split["slot"] == pytest.approx(0.05**2 / 2 / total * 100, abs=1)
    spread = seed_spread(scored(jobs, tmp_path), ["seed"])
    assert spread is not None and 0.1 < spread < 1.5


def test_prompts_and_slots_of_equal_variance_are_split_evenly(tmp_path: Path) -> None:
    """Finding 7: prompts and slots planted as 50 / 50 come out so."""
    item = np.resize([0.3, 0.7], 200)
    rows = [{"item_id": i, "slot": s, "y": item[i] + (0.2 if s else -0.2)} for i in range(200) for s in (0, 1)]
    _verdicts(tmp_path, 0, rows)
    split = variance_split(scored([({"decoding": "a"}, list(1 + item))], tmp_path), ["decoding"])
    assert split == {"prompts": pytest.approx(50, abs=0.5), "slot": pytest.approx(50, abs=0.5)}


def test_without_replicates_there_is_nothing_to_split(tmp_path: Path) -> None:
    _verdicts(tmp_path, 0, [{"item_id": i, "slot": 0, "y": i / 10} for i in range(10)])
    assert variance_split(scored([({"decoding": "a"}, [1.0] * 10)], tmp_path), ["decoding"]) == {}


def test_the_base_is_named_by_its_number_or_by_what_tells_it_from_the_others() -> None:
    entries = {
        n: JobEntry(str(n), {"decoding": d, "seed": s})
        for n, (d, s) in enumerate((d, s) for d in ("greedy", "sampling") for s in ("0", "1"))
    }
    assert base_number(None, entries) is None and base_number(2, entries) == 2
    assert base_number("seed=1,decoding=sampling", entries) == 3
    for wrong in (9, "decoding=greedy", "decoding=beam"):
        with pytest.raises(ConfigError, match=r"report\.base"):
            base_number(wrong, entries)


def test_a_base_whose_value_holds_a_comma_is_named_as_it_stands_or_as_the_message_lists_it() -> None:
    values = ("[source,category]", "[source]", "Be brief, please")
    entries = {n: JobEntry(str(n), {"subset.strata": value, "seed": "1"}) for n, value in enumerate(values)}
    assert base_number("subset.strata=[source,category]", entries) == 0
    assert base_number("subset.strata=Be brief, please", entries) == 2
    assert base_number("subset.strata=[source], seed=1", entries) == 1
    assert base_number("1", entries) == 1


def test_only_overrides_that_differ_are_what_varies() -> None:
    jobs = [
        ["model=echo", "decoding.temperature=0.0", "hydra.x=1"],
        ["model=echo", "decoding.temperature=1", "hydra.x=2"],
    ]
    assert varying([pairs(job) for job in jobs]) == [{"decoding.temperature": "0.0"}, {"decoding.temperature": "1"}]


def _finished(directory: Path, number: int, rows: list[tuple[str, float | None]]) -> tuple[JobResult, Path]:
    path = directory / str(number)
    path.mkdir()
    annotations = [
        {
            "instruction": text, "output_1": "r", "generator_1": "ref", "output_2": "o", "generator_2": "m",
            "annotator": "j", "preference": preference, "index": i, "failure": None,
        }
        for i, (text, preference) in enumerate(rows)
    ]  # fmt: skip
    (path / "annotations.json").write_text(json.dumps(annotations))
    (path / "verdicts.jsonl").write_text("")
    known = [p for _, p in rows if p is not None]
    rate = (sum(known) / len(known) - 1) * 100
    (path / "metrics.json").write_text(json.dumps({"win_rate": rate, "n_total": len(known), "n_judged": 3}))
    return JobResult(number, f"seed={number}", str(number), {"seed": str(number)}, "finished", 1.0), path


def test_the_sweeps_files_hold_failed_jobs_too_and_name_what_they_were_compared_on(tmp_path: Path) -> None:
    results = [
        _finished(tmp_path, 0, [("a", 1.0), ("b", 2.0), ("c", 1.0)]),
        _finished(tmp_path, 1, [("a", 2.0), ("b", 2.0), ("d", 2.0)]),
        (JobResult(2, "seed=2", "2", {"seed": "2"}, "failed", 0.5, "it broke"), tmp_path / "2"),
    ]
    entries = {n: JobEntry(str(n), {"seed": str(n)}) for n in range(3)}
    manifest = Manifest("f" * 64, "three", None, ["seed"], entries, {})
    metrics, files, _ = conclude(manifest, results, 0, tmp_path, None)
    assert metrics["n_failed_jobs"] == 1 and metrics["n_judged"] == 6 and metrics["n_jobs"] == 3
    rows = list(csv.DictReader(files[0].open()))
    assert [row["failure"] for row in rows] == ["", "", "it broke"]
    assert float(rows[1]["delta_wr"]) == 50 and rows[1]["n_paired"] == "2"
    page = files[1].read_text()
    assert "it broke" in page and "compared on the 2 that all share" in page


def test_jobs_that_ask_the_same_are_told_apart_by_their_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = [_finished(tmp_path, n, [("a", 1.0), ("b", 2.0), ("c", 1.0)]) for n in range(3)]
    results = [
        (replace(r, name=f"seed={min(r.number, 1)}", params={"seed": str(min(r.number, 1))}), p) for r, p in results
    ]
    manifest = Manifest("f" * 64, "three", None, ["seed"], {}, {})
    conclude(manifest, results, 1, tmp_path, None)
    printed = capsys.readouterr().out
    assert "to: seed=1 (job 1)" in printed and "seed=1 (job 2)" in printed and "seed=0 (job" not in printed


def test_the_length_controlled_interval_is_the_jobs_own_where_it_is_of_the_same_prompts() -> None:
    fit: Any = SimpleNamespace(value=40.0, standard_error=1.0)
    own = {"length_controlled_winrate": 40.0, "lc_ci_low": 37.0, "lc_ci_high": 44.0}
    found = _length_controlled(fit, own, "length_controlled_winrate")
    assert (found.low, found.high) == (37.0, 44.0)
    other = _length_controlled(fit, own | {"length_controlled_winrate": 41.0}, "length_controlled_winrate")
    assert (other.low, other.high) == pytest.approx((38.04, 41.96), abs=0.001)


def test_one_finished_job_of_a_sweep_is_no_comparison(tmp_path: Path) -> None:
    sweep = read_jobs([_finished(tmp_path, 0, [("a", 1.0), ("b", 2.0)])])
    against = compare_to_base(sweep, 0, None)
    assert against.comparisons == {} and against.selection is None
    assert "best_run" not in sweep_metrics(sweep, sweep, against, [sweep.jobs[0].result], ["seed"])  # type: ignore[list-item]


def test_the_paired_test_finds_at_five_percent_what_the_unpaired_one_does_not(
    alpaca_data: Path, tmp_path: Path
) -> None:
    names = ("vicuna-7b-v1.5", "vicuna-13b-v1.5")
    results = []
    for number, name in enumerate(names):
        directory = tmp_path / str(number)
        directory.mkdir()
        with gzip.open(alpaca_data / f"{name}.annotations.json.gz", "rt") as file:
            rows = json.load(file)
        (directory / "annotations.json").write_text(json.dumps(rows))
        (directory / "verdicts.jsonl").write_text("")
        rate = float(np.mean([row["preference"] for row in rows]) - 1) * 100
        (directory / "metrics.json").write_text(json.dumps({"win_rate": rate, "n_total": len(rows)}))
        params = {"model.path": f"{alpaca_data}/{name}.outputs.json.gz"}
        results.append((JobResult(number, name, name, params, "finished"), directory))
    entries = {result.number: JobEntry(result.identity, result.params) for result, _ in results}
    _, files, _ = conclude(Manifest("f" * 64, "two", None, ["model.path"], entries, {}), results, 0, tmp_path, None)
    row = list(csv.DictReader(files[0].open()))[1]
    assert float(row["delta_wr"]) == pytest.approx(1.92, abs=0.01)
    assert float(row["delta_wr_se"]) == pytest.approx(0.67, abs=0.01) and float(row["p_holm"]) < 0.01
    assert float(row["delta_se_unpaired"]) == pytest.approx(1.02, abs=0.01) and float(row["delta_p_unpaired"]) > 0.05
    page = files[1].read_text()
    assert "Established against the base (paired): path=vicuna-13b-v1.5.outputs +1.9 (+0.6 to +3.2) points" in page
    assert "an unpaired test would miss path=vicuna-13b-v1.5.outputs, p = 0.058" in page


def test_a_repeated_sweep_shows_what_its_answers_cost_when_they_were_made(tmp_path: Path) -> None:
    results = []
    for number, dollars in enumerate((0.25, 0.5)):
        result, path = _finished(tmp_path, number, [("a", 1.0 + number), ("b", 2.0), ("c", 1.0)])
        held = json.loads((path / "metrics.json").read_text())
        cost = {"cost_usd": 0.0, "full_cost_usd": dollars, "seconds_per_answer": 2.0}
        (path / "metrics.json").write_text(json.dumps(held | cost))
        results.append((result, path))
    entries = {n: JobEntry(str(n), {"seed": str(n)}) for n in range(2)}
    _, files, _ = conclude(Manifest("f" * 64, "two", None, ["seed"], entries, {}), results, 0, tmp_path, None)
    assert [row["full_cost_usd"] for row in csv.DictReader(files[0].open())] == ["0.25", "0.5"]
    page = files[1].read_text()
    assert "Quality for the money" in page and "$0.25" in page and "$0.50" in page


def test_a_failed_cell_makes_a_main_effect_say_where_it_holds() -> None:
    """Finding 15: with a failed cell it says which effect is left, and estimates that one."""
    random = np.random.default_rng(3)
    base = random.random(60) < 0.5
    cells = {("a", "none"): 0.0, ("a", "typos"): -0.2, ("b", "none"): 0.1, ("b", "typos"): -0.3}
    jobs = [
        ({"decoding": d, "perturbation": p}, list(1 + np.clip(base + shift, 0, 1))) for (d, p), shift in cells.items()
    ]
    axes = ["decoding", "perturbation"]
    whole = [effect.name for effect in effects(scored(jobs), axes)]
    assert whole[0] == "decoding: b instead of a"
    left = effects(scored(jobs[:3]), axes)
    assert left[0].name == "decoding: b instead of a, only where perturbation=none"
    assert left[1].name == "perturbation: typos instead of none, only where decoding=a"
    means = [100 * float(np.mean(preferences)) for _, preferences in jobs]
    told = [effect.estimate.value for effect in left[:2]]
    assert told == pytest.approx([means[2] - means[0], means[1] - means[0]], abs=0.01)


def test_one_set_of_prompts_decides_and_the_winner_of_a_race_is_the_best(tmp_path: Path) -> None:
    """Finding 6: best, lead and rates are of the shared prompts."""
    sweep = scored([({"seed": "0"}, [2.0, 2.0, 1.0, 1.0]), ({"seed": "1"}, [2.0, 2.0, 2.0, math.nan])])
    against = compare_to_base(sweep, 0, None)
    assert {number: rate.win_rate for number, rate in against.rates.items()} == {
        0: pytest.approx(200 / 3), 1: pytest.approx(100)
    }  # fmt: skip
    assert against.selection and against.selection.best == 1
    assert against.pairs[0, 1] == 1.0
    assert not against.saturated


def test_a_best_that_is_not_shown_to_differ_from_the_base_is_not_separated_from_it() -> None:
    """An undecided judge's shift: signs alone tell it, the t test of few changes does not."""
    rng = np.random.default_rng(0)
    jobs = [list(1.5 + shift + rng.uniform(-0.03, 0.03, 100)) for shift in (0.0, 0.02, 0.0)]
    sweep = scored([({"temperature": str(i)}, job) for i, job in enumerate(jobs)])
    against = compare_to_base(sweep, 0, None)
    assert against.selection and against.selection.best == 1
    assert against.comparisons[1].p_max_t < 0.05 < against.comparisons[1].p_holm
    assert 0 in against.selection.tied_with_best


@pytest.mark.parametrize("level", [1.0, 1.5, 2.0])
def test_a_saturated_sweep_names_no_best(level: float) -> None:
    sweep = scored([({"seed": str(seed)}, [level] * 8) for seed in range(3)])
    assert compare_to_base(sweep, 0, None).saturated


def test_the_objective_decides_best_and_p_values_where_length_makes_the_raw_rate() -> None:
    rng, n = np.random.default_rng(1), 300
    quality = rng.normal(0, 1, n)

    def job(longer: float, better: float) -> tuple[list[float], list[int]]:
        lengths = np.clip(rng.normal(1000 + longer, 300, n), 50, None).astype(int)
        chance = 1 / (1 + np.exp(-(quality + better + 2 * np.tanh((lengths - 1000) / 400))))
        return list(1.0 + (rng.random(n) < chance)), lengths.tolist()

    columns = [job(0, 0.0), job(500, 0.0), job(-200, 1.5)]
    sweep = scored([({"model": str(i)}, preferences) for i, (preferences, _) in enumerate(columns)])
    jobs = []
    for one, (_, lengths) in zip(sweep.jobs, columns, strict=True):
        items = {
            text: replace(item, output="x" * length, length=float(length), reference="x" * 1000)
            for (text, item), length in zip(one.run.items.items(), lengths, strict=True)
        }
        jobs.append(replace(one, run=replace(one.run, items=items)))
    sweep = replace(sweep, jobs=tuple(jobs))
    raw, lc = (compare_to_base(sweep, 0, None, name) for name in ("win_rate", "length_controlled_winrate_noreg"))
    assert (raw.decides, lc.decides) == ("win_rate", "length_controlled_winrate_noreg")
    assert raw.selection and raw.selection.best == 1
    assert lc.selection and lc.selection.best == 2
    assert raw.comparisons[1].p_holm < 0.001 and lc.comparisons[2].p_holm < 0.001
    assert lc.comparisons[1].p_holm > 0.05, "job 1 is longer, not better"
    unknown = compare_to_base(sweep, 0, None, "length_controlled_winrate")
    assert unknown.decides == "win_rate" and "the win rate decides" in unknown.warnings[0]
