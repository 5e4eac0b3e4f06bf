from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from alpacabench.analysis.finished_run import FinishedRun, Item
from alpacabench.analysis.length_fits import fit_runs
from alpacabench.core.errors import DataError
from alpacabench.scoring import glm
from alpacabench.scoring.difficulty import DifficultyTable
from alpacabench.scoring.length_control import (
    GAMED_WEIGHT,
    JUDGE,
    REFERENCE,
    C,
    LengthControlled,
    length_controlled,
    length_controlled_noreg,
)
from alpacabench.scoring.official import length_controlled_official
from alpacabench.scoring.pairs import Pairs, Refusal
from tests.helpers.scoring_data import (
    COMPLETE,
    MODELS,
    Run,
    leaderboard,
    real_table,
    recorded,
    synthetic_run,
    synthetic_table,
)

Floats = NDArray[np.float64]


def score(run: Run, table: DifficultyTable, draws: int = 2, seed: int = 0) -> LengthControlled:
    result = length_controlled(run.pairs, table, JUDGE, REFERENCE, draws=draws, seed=seed)
    assert isinstance(result, LengthControlled), result
    return result


def logistic(eta: Floats) -> Floats:
    return np.exp(-np.logaddexp(0, -eta))


def independent_fit(features: Floats, y: Floats, weights: Floats, penalty: float = C) -> Floats:
    """Minimise the same objective with a general solver; |w| is split into two non-negative halves."""

    def objective(halves: Floats) -> tuple[float, Floats]:
        up, down = np.split(halves, 2)
        eta = features @ (up - down)
        gradient = (weights * (logistic(eta) - y)) @ features
        value = np.sum(weights * (np.logaddexp(0, eta) - y * eta)) + np.sum(halves) / penalty
        return float(value), np.concatenate([gradient + 1 / penalty, 1 / penalty - gradient])

    size = features.shape[1]
    start, bounds = np.full(2 * size, 0.1), [(0, None)] * (2 * size)
    found = minimize(
        objective, start, jac=True, method="SLSQP", bounds=bounds, options={"ftol": 1e-18, "maxiter": 10_000}
    )
    return found.x[:size] - found.x[size:]


def independent_lc(run: Run, table: DifficultyTable) -> float:
    difference = np.array([len(b) - len(a) for a, b in zip(run.outputs, run.references, strict=True)], dtype=float)
    difficulty = np.array([table.difficulty[text] for text in run.instructions])
    features = np.column_stack([np.tanh(difference / difference.std(ddof=1)), difficulty, np.ones(len(difficulty))])
    rows, y = (
        np.vstack([features, table.gamed_features]),
        np.append(np.array(run.preferences) - 1, table.gamed_outcomes),
    )
    # On a subset the two baselines and the penalty weigh less, as the subset does.
    part = len(difficulty) / (len(table.gamed_outcomes) / 2)
    gamed = np.full(len(table.gamed_outcomes), GAMED_WEIGHT * part)
    w = independent_fit(rows, y, np.append(np.ones(len(difficulty)), gamed), C / part)
    return float(np.mean(logistic(features[:, 1:] @ w[1:])) * 100)


@pytest.mark.parametrize("model", COMPLETE)
def test_fixed_penalty_is_within_11_hundredths_and_the_official_path_within_16_of_the_published_value(
    alpaca_data: Path, model: str
) -> None:
    run, table = recorded(alpaca_data, model), real_table(alpaca_data)
    published = float(leaderboard()[model]["length_controlled_winrate"])
    assert score(run, table).value == pytest.approx(published, abs=0.11)
    official = length_controlled_official(run.pairs, table, JUDGE, REFERENCE)
    assert not isinstance(official, Refusal)
    assert official.value == pytest.approx(published, abs=0.16)
    assert np.min(np.abs(np.logspace(-4, 4, 10) - official.C)) == 0


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model", ["FuseChat-Llama-3.2-3B-Instruct", "gpt-3.5-turbo-1106", "NullModel"])
def test_the_official_path_equals_alpaca_evals_own_function(
    alpaca_data: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pandas as pd
    import sklearn
    from alpaca_eval.metrics import glm_winrate

    run, table = recorded(alpaca_data, model), real_table(alpaca_data)
    monkeypatch.setattr(glm_winrate, "hf_hub_download", lambda **_: str(alpaca_data / "df_gamed.csv"))
    order = np.argsort([table.order[text] for text in run.instructions])
    run = run.rows(order)
    frame = pd.DataFrame(
        {"preference": run.preferences, "output_1": run.references, "output_2": run.outputs, "annotator": "judge"}
    ).assign(generator_1="reference", generator_2=model)
    theirs = glm_winrate.get_length_controlled_winrate(frame, save_weights_dir=None)
    sklearn.set_config(enable_metadata_routing=False)
    ours = length_controlled_official(run.pairs, table, JUDGE, REFERENCE)
    assert not isinstance(ours, Refusal)
    assert ours.value == pytest.approx(theirs["length_controlled_winrate"], abs=1e-6)
    assert ours.standard_error_alpaca_eval == pytest.approx(theirs["lc_standard_error"], abs=1e-6)


def test_phi_2_differs_from_its_published_row_because_that_has_difficulties_of_other_prompts(alpaca_data: Path) -> None:
    run, table = recorded(alpaca_data, "phi-2"), real_table(alpaca_data)
    published = float(leaderboard()["phi-2"]["length_controlled_winrate"])
    run = run.rows(np.argsort([table.order[text] for text in run.instructions]))
    by_position = sorted(table.difficulty, key=table.order.__getitem__)
    shifted = DifficultyTable(
        {text: table.difficulty[by_position[i]] for i, text in enumerate(run.instructions)},
        {text: i for i, text in enumerate(run.instructions)},
        table.gamed_features,
        table.gamed_outcomes,
    )
    assert score(run, shifted).value == pytest.approx(published, abs=0.11)
    ours = score(run, table).value
    assert ours == pytest.approx(independent_lc(run, table), abs=1e-6)
    assert abs(ours - published) > 0.5


MEASURED = {  # LC, printed standard error, bootstrap standard error, influence-function standard error
    "gpt-3.5-turbo-1106": (19.2, 0.77, 1.60, 1.58),
    "claude-2.1": (25.2, 0.75, 1.76, 1.70),
    "FuseChat-Llama-3.1-8B-Instruct": (65.4, 0.667, 1.35, 1.47),
    "NullModel": (86.5, 0.142, 0.87, 0.85),
}


@pytest.mark.parametrize("model", MEASURED)
def test_standard_errors_agree_with_the_measured_table(alpaca_data: Path, model: str) -> None:
    result = score(recorded(alpaca_data, model), real_table(alpaca_data), draws=500)
    value, printed, bootstrap, influence = MEASURED[model]
    assert result.value == pytest.approx(value, abs=0.05)
    assert result.standard_error_alpaca_eval == pytest.approx(printed, rel=0.02)
    assert result.bootstrap_standard_error == pytest.approx(bootstrap, rel=0.1)
    assert result.standard_error == pytest.approx(influence, rel=0.01)
    assert result.ci_low < result.value < result.ci_high


def test_500_refits_of_805_rows_take_less_than_two_seconds(alpaca_data: Path) -> None:
    pairs, table = recorded(alpaca_data, "claude-2.1").pairs, real_table(alpaca_data)
    start = time.perf_counter()
    length_controlled(pairs, table, JUDGE, REFERENCE, draws=500)
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize("model", MODELS)
def test_shuffling_and_dropping_real_rows_keeps_each_rows_own_difficulty(alpaca_data: Path, model: str) -> None:
    run, table = recorded(alpaca_data, model), real_table(alpaca_data)
    rng = np.random.default_rng(1)
    assert score(run, table) == score(run.rows(rng.permutation(len(run.instructions))), table)
    kept = run.rows(rng.permutation(len(run.instructions))[:300])
    assert score(kept, table).value == pytest.approx(independent_lc(kept, table), abs=1e-6)


def test_shuffling_changes_no_digit_of_value_error_and_interval(tmp_path: Path) -> None:
    instructions, table = synthetic_table(tmp_path)
    run = synthetic_run(instructions, table, seed=1)
    mixed = run.rows(np.random.default_rng(2).permutation(len(instructions)))
    assert score(run, table, draws=50) == score(mixed, table, draws=50)
    noreg = [length_controlled_noreg(each.pairs, table, draws=50) for each in (run, mixed)]
    assert noreg[0] == noreg[1]
    official = [length_controlled_official(each.pairs, table, JUDGE, REFERENCE) for each in (run, mixed)]
    assert official[0] == official[1]


@pytest.mark.parametrize("n", [200, 117, 40])
def test_after_dropping_rows_it_is_the_fit_of_an_independent_solver(tmp_path: Path, n: int) -> None:
    instructions, table = synthetic_table(tmp_path)
    run = synthetic_run(instructions, table, seed=n)
    kept = run.rows(np.random.default_rng(n).permutation(len(instructions))[:n])
    assert score(kept, table).value == pytest.approx(independent_lc(kept, table), abs=1e-6)


def test_a_weight_that_the_penalty_holds_at_zero_is_zero_and_the_fit_still_the_optimum(tmp_path: Path) -> None:
    instructions, table = synthetic_table(tmp_path)
    run = synthetic_run(instructions, table, seed=5)
    lengths, reference_lengths = (np.array([len(text) for text in column]) for column in (run.outputs, run.references))
    difference = reference_lengths - lengths
    expected = 2 - 1 / (1 + np.exp(-0.8 * np.tanh(difference / difference.std(ddof=1))))
    pairs = Pairs.of(instructions, expected, lengths, reference_lengths)
    result = length_controlled_noreg(pairs, table, draws=2)
    assert isinstance(result, LengthControlled)
    assert (result.w_0, result.w_difficulty, result.value) == (0, 0, 50)
    features = np.column_stack(
        [pairs.tanh_length, [table.difficulty[text] for text in pairs.instructions], np.ones(200)]
    )
    assert result.w_len == pytest.approx(independent_fit(features, pairs.y, np.ones(200))[0], abs=1e-6)
    assert np.isfinite(result.standard_error)


def test_a_missing_verdict_is_a_dropped_row(tmp_path: Path) -> None:
    instructions, table = synthetic_table(tmp_path)
    run = synthetic_run(instructions, table, seed=3)
    holes = Run(run.instructions, [np.nan] * 40 + run.preferences[40:], run.outputs, run.references)
    assert score(holes, table) == score(run.rows(range(40, len(instructions))), table)


def test_one_foreign_prompt_or_another_judge_or_reference_refuses_the_regularised_variant_with_the_reason(
    tmp_path: Path,
) -> None:
    instructions, table = synthetic_table(tmp_path)
    pairs = synthetic_run(instructions, table, seed=4).pairs
    foreign = Pairs((*pairs.instructions[:-1], "zzz my own"), pairs.y, pairs.tanh_length)
    cases = [
        ((foreign, table, JUDGE, REFERENCE), "1 of 200 instructions have no known difficulty, such as 'zzz my own'"),
        ((pairs, table, "gpt_4_1", REFERENCE), "here gpt_4_1 against"),
        ((pairs, table, JUDGE, "text_davinci_003"), "against text_davinci_003"),
        ((pairs, None, JUDGE, REFERENCE), "scoring.lc_data"),
    ]
    for arguments, reason in cases:
        for method in (length_controlled, length_controlled_official):
            refusal = method(*arguments)
            assert isinstance(refusal, Refusal)
            assert reason in refusal.reason
    noreg = length_controlled_noreg(foreign, table)
    assert isinstance(noreg, LengthControlled)
    assert noreg.w_difficulty is None
    assert all(name.endswith("_noreg") for name in noreg.metrics())
    assert "length_controlled_winrate" in score(synthetic_run(instructions, table, seed=4), table).metrics()


def test_without_gamed_rows_it_is_the_independent_fit_of_the_runs_rows_alone(tmp_path: Path) -> None:
    instructions, table = synthetic_table(tmp_path)
    pairs = synthetic_run(instructions, table, seed=6).pairs
    difficulty = np.array([table.difficulty[text] for text in pairs.instructions])
    for known, columns in ((table, [difficulty]), (None, [])):
        features = np.column_stack([pairs.tanh_length, *columns, np.ones(len(pairs))])
        w = independent_fit(features, pairs.y, np.ones(len(pairs)))
        result = length_controlled_noreg(pairs, known, draws=2)
        assert isinstance(result, LengthControlled)
        assert result.value == pytest.approx(np.mean(logistic(features[:, 1:] @ w[1:])) * 100, abs=1e-6)


def test_it_is_refused_where_the_data_say_nothing_about_equal_length(tmp_path: Path) -> None:
    instructions, table = synthetic_table(tmp_path)
    run = synthetic_run(instructions, table, seed=8)
    ours, theirs = (np.array([len(text) for text in column]) for column in (run.outputs, run.references))
    longest = np.where(ours > theirs, 2.0, 1.0)
    cases = {
        "length alone decides": Pairs.of(instructions, longest, ours, theirs),
        "nearly all answers are shorter": Pairs.of(instructions, run.preferences, ours, ours + 5000 + theirs % 7),
        "no length to control for": Pairs.of(instructions, run.preferences, ours, ours),
        "one side wins nearly all": Pairs.of(instructions, np.full(200, 1.001), ours, theirs),
        "20 scored prompts are too few": run.rows(range(20)).pairs,
    }
    for reason, pairs in cases.items():
        refusal = length_controlled_noreg(pairs, table, draws=2)
        assert isinstance(refusal, Refusal), reason
        assert reason in refusal.reason
    warned = length_controlled(cases["nearly all answers are shorter"], table, JUDGE, REFERENCE, draws=2)
    assert isinstance(warned, LengthControlled)
    assert any("gamed baselines decide" in warning for warning in warned.warnings)
    assert any("below 200" in warning for warning in score(run.rows(range(150)), table).warnings)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("foreign", [("other judge", REFERENCE), (JUDGE, "other reference")])
def test_one_run_of_another_judge_or_reference_leaves_the_baselines_out_of_every_fit(
    tmp_path: Path, foreign: tuple[str, str], order: tuple[int, int]
) -> None:
    instructions, table = synthetic_table(tmp_path)

    def finished(judge: str, reference: str) -> FinishedRun:
        run = synthetic_run(instructions, table, seed=1)
        columns = zip(run.instructions, run.preferences, run.outputs, run.references, strict=True)
        items = {row[0]: Item(i, *row, length=float(len(row[2]))) for i, row in enumerate(columns)}
        return FinishedRun("run", "run", judge, reference, items)

    own, other = finished(JUDGE, REFERENCE), finished(*foreign)
    assert fit_runs([own, own], table, draws=2).metric == "length_controlled_winrate"
    found = fit_runs([(own, other)[at] for at in order], table, draws=2)
    assert (found.metric, len(found.fits)) == ("length_controlled_winrate_noreg", 2)


def test_duplicate_instructions_and_a_wrong_difficulty_file_are_refused(tmp_path: Path) -> None:
    instructions, _ = synthetic_table(tmp_path)
    with pytest.raises(DataError, match="rows 0 and 2 have the same instruction: 'a'"):
        Pairs.of(["a", "b", "a"], [1, 2, 1], [1, 2, 3], [3, 2, 1])
    with pytest.raises(DataError, match="has difficulties for 200 rows, the data set has 199"):
        DifficultyTable.read(tmp_path / "df_gamed.csv", instructions[1:])
    with pytest.raises(DataError, match=r"none\.csv: cannot be read"):
        DifficultyTable.read(tmp_path / "none.csv", instructions)
    (tmp_path / "bad.csv").write_text("index,preference\n0,1\n", encoding="utf-8")
    with pytest.raises(DataError, match="lacks the columns"):
        DifficultyTable.read(tmp_path / "bad.csv", instructions)


@pytest.mark.slow
def test_the_95_percent_interval_of_length_control_covers_93_to_97_percent(tmp_path: Path) -> None:
    instructions, table = synthetic_table(tmp_path, n=400)
    runs = [synthetic_run(instructions, table, seed=seed) for seed in range(1, 401)]
    truth = np.mean([score(synthetic_run(instructions, table, seed=seed), table).value for seed in range(1000, 2000)])
    results = [score(run, table, draws=200) for run in runs]
    by_influence = np.mean([abs(result.value - truth) < 1.96 * result.standard_error for result in results])
    by_bootstrap = np.mean([result.ci_low < truth < result.ci_high for result in results])
    assert 0.93 <= by_influence <= 0.97
    assert 0.93 <= by_bootstrap <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("n", [100, 200])
def test_the_mean_over_subsets_is_the_value_on_all_prompts(alpaca_data: Path, model: str, n: int) -> None:
    run, table, rng = recorded(alpaca_data, model), real_table(alpaca_data), np.random.default_rng(0)
    drawn = [score(run.rows(rng.choice(len(run.instructions), n, replace=False)), table).value for _ in range(100)]
    allowed = 0.7 + 2 * np.std(drawn, ddof=1) / 10
    assert abs(np.mean(drawn) - score(run, table).value) <= allowed


def test_a_subset_of_a_synthetic_run_has_no_other_value_than_all_prompts(tmp_path: Path) -> None:
    instructions, table = synthetic_table(tmp_path, 400)
    run, rng = synthetic_run(instructions, table, seed=3, level=-1.5), np.random.default_rng(0)
    drawn = [score(run.rows(rng.choice(400, 100, replace=False)), table).value for _ in range(60)]
    assert np.mean(drawn) == pytest.approx(score(run, table).value, abs=0.7 + 2 * np.std(drawn) / np.sqrt(60))


def test_resamples_in_blocks_are_fitted_as_all_of_them_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    instructions, table = synthetic_table(tmp_path, 400)
    run = synthetic_run(instructions, table, seed=3)
    whole = score(run, table, draws=50)
    monkeypatch.setattr(glm, "WHOLE", 0)
    monkeypatch.setattr(glm, "CELLS", 5_000)
    assert score(run, table, draws=50).draws == pytest.approx(whole.draws, rel=1e-9)
