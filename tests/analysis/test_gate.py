"""The release gate: its error rates in simulation, its verdicts and exit codes as a process."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from markdown_it import MarkdownIt

from alpacabench.analysis.gate.decision import decide
from alpacabench.analysis.gate.series import share
from alpacabench.io.rows import read_rows
from alpacabench.scoring.small_sample import sign_flip_p_below
from tests.helpers.finished_runs import ROOT, alpacabench, annotation_rows, write_annotations, write_run
from tests.helpers.simulations import SHAPES, false_blocks, false_blocks_at_margin, false_series, null_pairs

ALPHA = 0.05
SIMULATIONS = 1000
TOLERANCE = 3 * math.sqrt(ALPHA * (1 - ALPHA) / SIMULATIONS)
"""Three standard errors of a share of 5% over the simulations."""


def test_alike_rates_of_an_undecided_judge_release_nothing_and_a_shown_gain_does() -> None:
    alike = np.random.default_rng(0).uniform(-8, 8, 805)
    assert decide(alike, 3, ALPHA).verdict == "release"
    assert decide(alike, 3, ALPHA, undecided_share=100.0).verdict == "undecided"
    assert decide(alike + 4, 3, ALPHA, undecided_share=100.0).verdict == "release"
    assert decide(alike - 8, 3, ALPHA, undecided_share=100.0).verdict == "block"


def test_no_bound_lies_beyond_what_a_difference_can_be() -> None:
    decision = decide(np.array([100.0, 0.0]), 0, ALPHA)
    assert (decision.low, decision.high) == (-100, 100)


@pytest.mark.parametrize("n", [20, 100])
@pytest.mark.parametrize("level", [0.1, 0.5])
def test_the_false_alarm_rate_under_no_change_is_at_most_alpha(n: int, level: float) -> None:
    blocked = sum(
        decide(null_pairs(n, level, seed), 0, ALPHA, draws=199).verdict == "block" for seed in range(SIMULATIONS)
    )
    assert blocked / SIMULATIONS <= ALPHA + TOLERANCE


@pytest.mark.parametrize("rounds", [300, pytest.param(4000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [8, 30, 100, 400])
def test_a_loss_of_the_margin_is_seldom_blocked(n: int, shape: str, rounds: int) -> None:
    blocked = [false_blocks_at_margin(n, margin, shape, rounds) for margin in (2, 10)]
    assert max(blocked) <= ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / rounds)


@pytest.mark.parametrize("n", [5, 8, 30, 805])
@pytest.mark.parametrize("margin", [0, 2, 10])
def test_a_total_loss_is_blocked(n: int, margin: float) -> None:
    assert decide(np.full(n, -100.0), margin, ALPHA).verdict == "block"


def test_a_margin_makes_false_alarms_rarer() -> None:
    def alarms(margin: float) -> int:
        return sum(decide(null_pairs(100, 0.3, seed), margin, 0.2, draws=199).verdict == "block" for seed in range(300))

    assert alarms(3) < alarms(0)


def test_a_real_loss_is_blocked_and_a_loss_of_the_margin_is_seldom_released() -> None:
    drop = [decide(null_pairs(400, 0.5, seed) - 10, 2, ALPHA, draws=199).verdict for seed in range(200)]
    edge = [decide(null_pairs(400, 0.5, seed) - 2, 2, ALPHA, draws=199).verdict for seed in range(400)]
    assert drop.count("block") > 190
    assert edge.count("release") / 400 <= ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / 400)


def test_the_sign_flip_p_value_is_that_of_all_sign_patterns() -> None:
    differences = np.array([-40.0, -30.0, 10.0, -20.0, 0.0, -5.0])
    moved = differences[differences != 0]
    patterns = np.array(np.meshgrid(*[[-1, 1]] * len(moved))).reshape(len(moved), -1).T
    exact = np.mean(patterns @ np.abs(moved) <= moved.sum() + 1e-9)
    assert sign_flip_p_below(differences) == pytest.approx(exact)


def test_the_bounds_are_those_of_the_t_distribution_with_prompts_added() -> None:
    differences = np.array([1.0, -2.0, 3.0, 0.5, -1.0])
    decision = decide(differences, 0, ALPHA)
    assert decision.estimate == pytest.approx(0.3)
    both = np.append(differences, [100, -100])
    assert decision.high == pytest.approx(both.mean() + 1.943180 * both.std(ddof=1) / math.sqrt(7), rel=1e-5)
    padded = np.append(differences, -100)
    assert decision.low == pytest.approx(padded.mean() - 2.015048 * padded.std(ddof=1) / math.sqrt(6), rel=1e-5)


@pytest.mark.parametrize(("shift", "verdict"), [(0, "undecided"), (-5, "undecided"), (5, "undecided"), (-100, "block")])
def test_thirty_prompts_without_a_spread_prove_a_total_loss_alone(shift: float, verdict: str) -> None:
    assert decide(np.full(30, shift), 1, ALPHA).verdict == verdict


def test_equal_runs_of_full_size_are_released_within_a_margin() -> None:
    assert decide(np.zeros(805), 1, ALPHA).verdict == "release"


@pytest.mark.parametrize("n", [20, 50, 200])
def test_rare_losses_of_more_than_the_margin_are_seldom_released(n: int) -> None:
    rng = np.random.default_rng(n)
    lost = [-100.0 * (rng.random(n) < 0.05) for _ in range(400)]
    released = sum(decide(differences, 3, ALPHA, draws=199).verdict == "release" for differences in lost)
    assert released / 400 <= ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / 400)


def decoded(n: int, seed: int, shift: float = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return which prompts a base and a run win; each prompt has its own chance, the run's is lower by a shift."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(0.8, 1.2, n)
    return rng.random(n) < chance, rng.random(n) < chance - shift


def decided(base: np.ndarray, run: np.ndarray, lacks: tuple[np.ndarray, np.ndarray], margin: float) -> str:
    """Return the verdict where some verdicts of both are missing."""
    known = ~(lacks[0] | lacks[1])
    worst = (np.where(lacks[1], 0, run) - np.where(lacks[0], 1, base))[~known] * 100.0
    differences = (run.astype(float) - base)[known] * 100
    return decide(differences, margin, ALPHA, worst, draws=199).verdict


@pytest.mark.parametrize("of_lost", [0.2, 0.8])
def test_missing_verdicts_make_no_false_alarms_under_no_change(of_lost: float) -> None:
    def verdict(seed: int) -> str:
        base, run = decoded(100, seed)
        rng = np.random.default_rng(seed + SIMULATIONS)
        lacks = [rng.random(100) < np.where(side, 0.2, of_lost) for side in (base, run)]
        return decided(base, run, (lacks[0], lacks[1]), 0)

    blocked = sum(verdict(seed) == "block" for seed in range(SIMULATIONS))
    assert blocked / SIMULATIONS <= ALPHA + TOLERANCE


@pytest.mark.parametrize("who", ["run", "base", "both"])
def test_missing_just_what_would_show_a_loss_does_not_release(who: str) -> None:
    def verdict(seed: int) -> str:
        base, run = decoded(400, seed, shift=0.1)
        lost = base & ~run
        none = np.zeros_like(lost)
        return decided(base, run, (lost if who != "run" else none, lost if who != "base" else none), 2)

    assert {verdict(seed) for seed in range(100)} == {"undecided"}


def test_the_same_data_give_the_same_decision_in_any_order() -> None:
    differences = null_pairs(60, 0.3, 1)
    assert decide(differences, 1, ALPHA) == decide(differences[::-1], 1, ALPHA)


def paired_runs(folder: Path, worse: int) -> tuple[Path, Path]:
    """Write a base that wins half of 100 prompts and a run that loses `worse` of those."""
    base = [2.0, 1.0] * 50
    run = [1.0 if i % 2 == 0 and i < 2 * worse else p for i, p in enumerate(base)]
    run[1] = 2.0
    return write_run(folder / "base", base), write_run(folder / "run", run)


@pytest.mark.parametrize(
    ("worse", "arguments", "code", "word"),
    [
        (15, [], 3, "Block"),
        (1, [], 0, "Undecided"),
        (1, ["--strict"], 4, "Undecided"),
        (1, ["--margin", 10], 0, "Release"),
        (15, ["--margin", 40], 0, "Release"),
    ],
)
def test_the_exit_code_is_the_verdict(
    tmp_path: Path, worse: int, arguments: list[object], code: int, word: str
) -> None:
    base, run = paired_runs(tmp_path, worse)
    found = alpacabench("gate", run, "--base", base, *arguments)
    assert (found.returncode, found.stderr) == (code, "")
    assert found.stdout.startswith(f"### {word}")


def test_the_markdown_summary_is_appended_and_the_json_holds_the_decision(tmp_path: Path) -> None:
    base, run = paired_runs(tmp_path, 15)
    summary = tmp_path / "summary.md"
    summary.write_text("# before\n", encoding="utf-8")
    found = alpacabench("gate", run, "--base", base, "--markdown", summary, "--json")
    decision = json.loads(found.stdout)
    assert (decision["verdict"], decision["n"], decision["estimate"]) == ("block", 100, pytest.approx(-14))
    text = summary.read_text(encoding="utf-8")
    assert text.startswith("# before\n### Block") and "| 100, 1 / 15 |" in text
    assert "| Shown to be worse? | yes (p = 0.0" in text or "| Shown to be worse? | yes (p < 0.001)" in text
    assert "| Shown not to be worse? | no (p = " in text


LACKING = [None, 1.0, 1.0, 1.0] * 24
"""24 of 96 prompts have no verdict, just those that the base wins."""


def test_a_run_is_not_released_by_leaving_out_what_the_base_wins(tmp_path: Path) -> None:
    base, run = write_run(tmp_path / "base", [2.0, 1.0, 1.0, 1.0] * 24), write_run(tmp_path / "run", LACKING)
    summary = tmp_path / "summary.md"
    found = alpacabench("gate", run, "--base", base, "--margin", 5, "--strict", "--json", "--markdown", summary)
    decision = json.loads(found.stdout)
    assert (found.returncode, decision["verdict"], decision["n"]) == (4, "undecided", 72)
    assert decision["missing"] == {"prompts": 96, "base": 0, "run": 24, "either": 24}
    assert (decision["base"]["win_rate"], decision["run"]["win_rate"]) == (25, 0)
    assert (decision["base"]["n_total"], decision["run"]["n_total"]) == (96, 72)
    assert decision["low"] < -25 and decision["estimate"] == 0
    text = summary.read_text(encoding="utf-8")
    assert "(base) | 25.00 (" in text and "| 0 / 24 of 96 |" in text
    note = "24 of 96 prompts lack a verdict (0 in the base, 24 in the run)."
    assert note in text and decision["notes"][0].startswith(note)


def test_a_run_that_is_better_than_what_it_lacks_can_hide_is_released(tmp_path: Path) -> None:
    base = write_run(tmp_path / "base", [2.0] * 4 + [1.0] * 196)
    run = write_run(tmp_path / "run", [None] * 4 + [1.0, 2.0] * 98)
    assert alpacabench("gate", run, "--base", base, "--margin", 2).stdout.startswith("### Release")


def test_missing_verdicts_alone_do_not_block(tmp_path: Path) -> None:
    base, run = write_run(tmp_path / "base", [2.0] * 96), write_run(tmp_path / "run", [None, 2.0] * 48)
    found = alpacabench("gate", run, "--base", base, "--margin", 1)
    assert found.returncode == 0 and found.stdout.startswith("### Undecided")


def test_a_length_controlled_prompt_without_a_verdict_counts_as_lost(alpaca_data: Path, tmp_path: Path) -> None:
    name = "vicuna-13b-v1.5"
    rows = read_rows(alpaca_data / f"{name}.annotations.json.gz", "test")
    lacking = [row | {"preference": None if i % 10 == 0 else row["preference"]} for i, row in enumerate(rows)]
    run = write_annotations(tmp_path / f"{name}.annotations.json", lacking)
    reference = alpaca_data / "gpt4_1106_preview.outputs.json.gz"
    outputs = alpaca_data / f"{name}.outputs.json.gz"
    (tmp_path / f"{name}.outputs.json.gz").write_bytes(outputs.read_bytes())
    gate = ["gate", run, "--base", alpaca_data / f"{name}.annotations.json.gz", "--margin", 5, "--json"]
    gate += ["--lc-data", alpaca_data / "df_gamed.csv", "--dataset", reference]
    decision = json.loads(alpacabench(*gate, "--metric", "length_controlled_winrate").stdout)
    assert decision["verdict"] == "undecided" and decision["missing"]["run"] == 81
    assert decision["low"] < -10 and decision["estimate"] == pytest.approx(0)


@pytest.mark.parametrize("name", ["a|b", "<img src=x>", "`c`", "&amp;", "[link](http://x)", "**d**", "e\\", "f\n\ng"])
def test_a_name_is_literal_text_in_the_markdown(tmp_path: Path, name: str) -> None:
    text = markdown_of(tmp_path, name)
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    cells = [token.children for token in tokens if token.type == "inline"]
    assert all(child.type == "text" or child.type == "text_special" for cell in cells for child in cell or [])
    shown = ["".join(child.content for child in cell or []) for cell in cells]
    assert f"Win rate in % (95% interval), {' '.join(name.split())}" in shown
    assert (
        sum(token.type == "td_open" for token in tokens)
        == 2 * sum(line.startswith("|") for line in text.split("\n")) - 4
    )


def test_a_name_mentions_nobody_in_the_markdown(tmp_path: Path) -> None:
    text = markdown_of(tmp_path, "@team#12")
    assert "@team" not in text and "#12" not in text and "@\u200bteam#\u200b12" in text


def markdown_of(folder: Path, name: str) -> str:
    """Return the summary of a run whose generator has a name."""
    rows = [annotation_rows([1.0, 2.0] * 20, generator) for generator in ("base", name)]
    for side, content in zip(("a", "b"), rows, strict=True):
        write_annotations(folder / side / "annotations.json", content)
    found = alpacabench("gate", folder / "b", "--base", folder / "a")
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.mark.parametrize("arguments", ["", "--json"])
def test_a_closed_pipe_hides_no_verdict(tmp_path: Path, arguments: str) -> None:
    base, run = paired_runs(tmp_path, 15)
    command = (
        f"{sys.executable} -m alpacabench.cli gate {run} --base {base} {arguments} | true; echo ${{PIPESTATUS[0]}}"
    )
    found = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=ROOT)
    assert (found.stdout.split(), found.stderr) == (["3"], "")


@pytest.mark.parametrize(
    ("place", "message"),
    [(".", "a directory"), ("file/summary.md", "is no directory"), ("/dev/full", "No space left on device")],
)
def test_a_summary_that_cannot_be_written_is_refused(tmp_path: Path, place: str, message: str) -> None:
    base, run = paired_runs(tmp_path, 15)
    (tmp_path / "file").write_text("", encoding="utf-8")
    found = alpacabench("gate", run, "--base", base, "--markdown", tmp_path / place)
    assert (found.returncode, found.stdout) == (2, "")
    assert "--markdown: " in found.stderr and message in found.stderr and "Traceback" not in found.stderr


def test_a_place_for_the_summary_is_refused_before_the_runs_are_read(tmp_path: Path) -> None:
    found = alpacabench("gate", "no_such_run", "--base", "no_such_run", "--markdown", tmp_path, "--margin", -1)
    assert found.returncode == 2 and "2 problems" in found.stderr and "no_such_run" not in found.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--margin", -1], "--margin: given -1"),
        (["--margin", "inf"], "--margin: given inf"),
        (["--margin", "nan"], "--margin: given nan"),
        (["--alpha", 0.7], "--alpha: given 0.7"),
        (["--alpha", "nan", "--margin", "nan"], "2 problems"),
        (["--metric", "length_controlled_winrate"], "--metric: length_controlled_winrate is not given"),
    ],
)
def test_nonsense_is_an_error_and_never_a_verdict(tmp_path: Path, arguments: list[object], message: str) -> None:
    base, run = paired_runs(tmp_path, 1)
    found = alpacabench("gate", run, "--base", base, *arguments)
    assert (found.returncode, found.stdout) == (2, "")
    assert message in found.stderr and "Traceback" not in found.stderr


def test_the_real_regression_is_blocked_and_the_other_host_is_released_within_two_points(alpaca_data: Path) -> None:
    def gate(run: str, base: str, margin: float) -> int:
        files = [alpaca_data / f"{name}.annotations.json.gz" for name in (run, base)]
        return alpacabench("gate", files[0], "--base", files[1], "--margin", margin).returncode

    assert gate("gpt-3.5-turbo-1106_concise", "gpt-3.5-turbo-1106", 0) == 3
    assert gate("vicuna-13b-v1.5-togetherai", "vicuna-13b-v1.5", 2) == 0


def test_the_gate_on_length_control_tests_the_difference_that_compare_reports(alpaca_data: Path) -> None:
    files = [alpaca_data / f"gpt-3.5-turbo-1106{name}.annotations.json.gz" for name in ("_concise", "")]
    reference = alpaca_data / "gpt4_1106_preview.outputs.json.gz"
    length_control = ["--lc-data", alpaca_data / "df_gamed.csv", "--dataset", reference]
    gate = ["gate", files[0], "--base", files[1], "--metric", "length_controlled_winrate", "--json", *length_control]
    decision = json.loads(alpacabench(*gate).stdout)
    assert decision["estimate"] == pytest.approx(-3.537, abs=0.01)
    assert decision["standard_error"] == pytest.approx(1.42, abs=0.02)


@pytest.mark.parametrize("n", [8, 30, 805])
def test_a_total_loss_is_a_block_with_every_kind_of_summary(tmp_path: Path, n: int) -> None:
    """Finding 5: a run that loses all is a block, exit 3, with its summary."""
    base, run = write_run(tmp_path / "base", [2.0] * n), write_run(tmp_path / "run", [1.0] * n)
    summary = tmp_path / "summary.md"
    done = alpacabench("gate", run, "--base", base, "--json", "--markdown", summary)
    assert done.returncode == 3, done.stderr
    found = json.loads(done.stdout)
    assert (found["verdict"], found["estimate"], found["p_not_worse"]) == ("block", -100, 1)
    assert summary.read_text().startswith("### Block")


def test_a_series_shares_alpha_and_the_same_gate_again_spends_nothing(tmp_path: Path) -> None:
    base = write_run(tmp_path / "base", [2.0] * 20)
    runs = [write_run(tmp_path / f"run{i}", [1.0] * i + [2.0] * (20 - i)) for i in (1, 2)]
    store = f"sqlite:///{tmp_path / 'store.db'}"

    def place(run: Path) -> tuple[int, float]:
        done = alpacabench("gate", run, "--base", base, "--json", "--series", "nightly", "--store", store)
        found = json.loads(done.stdout)
        return found["series"]["number"], found["alpha"]

    first, second, again = place(runs[0]), place(runs[1]), place(runs[0])
    assert (first[0], second[0]) == (1, 2)
    assert first == again
    assert ALPHA > first[1] > second[1]


def test_the_shares_of_a_series_add_up_to_one() -> None:
    shares = [share(number) for number in range(1, 200_001)]
    assert sum(shares) == pytest.approx(1, abs=2e-3)
    assert sum(shares) < 1


@pytest.mark.parametrize("series", [60, pytest.param(500, marks=pytest.mark.slow)])
def test_twenty_null_gates_of_a_series_seldom_block(series: int) -> None:
    assert false_series(series) <= 0.07


@pytest.mark.slow
@pytest.mark.parametrize("n", [8, 30, 100, 400])
@pytest.mark.parametrize("level", [0.1, 0.5])
def test_false_blocks_are_at_most_alpha_at_every_size(n: int, level: float) -> None:
    assert false_blocks(n, level, SIMULATIONS) <= ALPHA + TOLERANCE
