"""The release gate: its error rates in simulation, its verdicts and exit codes as a process."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from alpacabench.gate import decide, sign_flip_p
from tests.finished_runs import alpacabench, write_run

ALPHA = 0.05
SIMULATIONS = 1000
TOLERANCE = 3 * math.sqrt(ALPHA * (1 - ALPHA) / SIMULATIONS)
"""Three standard errors of a share of 5% over the simulations."""


def null_pairs(n: int, level: float, seed: int) -> np.ndarray:
    """Return differences of two decodes of one system, in points: each prompt has its own chance of a win."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(level * 0.4, (1 - level) * 0.4, n)
    wins = rng.random((2, n)) < chance
    soft = rng.uniform(0, 0.05, (2, n))
    y = np.where(wins, 1 - soft, soft)
    return (y[1] - y[0]) * 100


@pytest.mark.parametrize("n", [20, 100])
@pytest.mark.parametrize("level", [0.1, 0.5])
def test_the_false_alarm_rate_under_no_change_is_at_most_alpha(n: int, level: float) -> None:
    blocked = sum(
        decide(null_pairs(n, level, seed), 0, ALPHA, draws=199).verdict == "block" for seed in range(SIMULATIONS)
    )
    assert blocked / SIMULATIONS <= ALPHA + TOLERANCE


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
    assert sign_flip_p(differences, 20_000, 0) == pytest.approx(exact, abs=0.005)


def test_the_bounds_are_those_of_the_t_distribution_the_lower_one_with_a_lost_prompt_added() -> None:
    differences = np.array([1.0, -2.0, 3.0, 0.5, -1.0])
    decision = decide(differences, 0, ALPHA)
    assert decision.estimate == pytest.approx(0.3)
    assert decision.high == pytest.approx(0.3 + 2.131847 * differences.std(ddof=1) / math.sqrt(5), rel=1e-5)
    padded = np.append(differences, -100)
    assert decision.low == pytest.approx(padded.mean() - 2.015048 * padded.std(ddof=1) / math.sqrt(6), rel=1e-5)


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, "undecided"), (-5.0, "block"), (5.0, "undecided")])
def test_thirty_prompts_without_a_spread_prove_a_loss_but_not_its_absence(shift: float, verdict: str) -> None:
    assert decide(np.full(30, shift), 1, ALPHA).verdict == verdict


def test_equal_runs_of_full_size_are_released_within_a_margin() -> None:
    assert decide(np.zeros(805), 1, ALPHA).verdict == "release"


@pytest.mark.parametrize("n", [20, 50, 200])
def test_rare_losses_of_more_than_the_margin_are_seldom_released(n: int) -> None:
    rng = np.random.default_rng(n)
    lost = [-100.0 * (rng.random(n) < 0.05) for _ in range(400)]
    released = sum(decide(differences, 3, ALPHA, draws=199).verdict == "release" for differences in lost)
    assert released / 400 <= ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / 400)


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--margin", -1], "--margin: given -1"),
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
