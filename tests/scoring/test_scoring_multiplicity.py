from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from alpacabench.analysis.decision import ALPHA
from alpacabench.core.errors import DataError
from alpacabench.scoring.multiplicity import benjamini_hochberg, expected_maximum, holm, select_best
from alpacabench.scoring.normal import two_sided_p
from alpacabench.scoring.sign_flips import compare_with


def correlated_runs(rng: np.random.Generator, runs: int, n: int = 200, spread: float = 20.0) -> NDArray[np.float64]:
    """Outcomes in points: a part that all runs share (the prompt) and a part of their own."""
    return rng.normal(50, 40, n) + rng.normal(0, spread, (runs, n))


def test_holm_and_benjamini_hochberg_give_the_textbook_values() -> None:
    p = [0.01, 0.04, 0.03, 0.005]
    assert holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert benjamini_hochberg(p) == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert holm([0.6, 0.7]) == pytest.approx([1, 1])
    assert holm([]).size == benjamini_hochberg([]).size == 0
    with pytest.raises(DataError, match="0 to 1"):
        holm([1.2])


def test_benjamini_hochberg_equals_scipys_on_random_p_values() -> None:
    from scipy.stats import false_discovery_control

    p = np.random.default_rng(0).random(40) ** 3
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p))


def test_family_wise_error_of_holm_and_of_max_t_is_at_most_5_percent_when_all_runs_are_equal() -> None:
    rng, simulations, runs = np.random.default_rng(1), 400, 8
    false_alarms = np.zeros(3)
    for _ in range(simulations):
        outcomes = correlated_runs(rng, runs + 1)
        differences = outcomes[1:] - outcomes[0]
        estimates = differences.mean(axis=1)
        errors = differences.std(axis=1, ddof=1) / np.sqrt(differences.shape[1])
        p = [two_sided_p(estimate, error) for estimate, error in zip(estimates, errors, strict=True)]
        joint = compare_with(outcomes, 0, draws=400)[1:]
        false_alarms += [min(holm(p)) < 0.05, min(joint) < 0.05, min(p) < 0.05]
    by_holm, by_max_t, unadjusted = false_alarms / simulations
    noise = 2 * np.sqrt(0.05 * 0.95 / simulations)
    assert by_holm <= 0.05 + noise
    assert 0.02 <= by_max_t <= 0.05 + noise
    assert unadjusted > 0.1


def test_max_t_is_sharper_than_holm_where_differences_share_the_reference() -> None:
    rng = np.random.default_rng(2)
    outcomes = correlated_runs(rng, 21, n=400)
    outcomes[1] += 4.5
    differences = outcomes[1:] - outcomes[0]
    estimates, errors = differences.mean(axis=1), differences.std(axis=1, ddof=1) / 20
    by_holm = holm([two_sided_p(e, s) for e, s in zip(estimates, errors, strict=True)])
    joint = compare_with(outcomes, 0)[1:]
    assert joint[0] < by_holm[0]
    assert joint.argmin() == 0
    assert np.array_equal(joint, compare_with(outcomes, 0)[1:])


def test_a_run_that_equals_its_reference_is_never_significant() -> None:
    reference, other = np.random.default_rng(3).normal(50, 10, (2, 50))
    assert compare_with([reference, reference, other], 0, draws=200)[1] == 1


def test_expected_maximum_of_k_normals_is_the_published_constant() -> None:
    assert [expected_maximum(k) for k in (1, 2, 5, 10)] == pytest.approx([0, 0.56419, 1.16296, 1.53875], abs=1e-4)
    winners_curse = [0.66 / np.sqrt(2) * expected_maximum(k) for k in (5, 10, 20, 50, 100)]
    assert winners_curse == pytest.approx([0.54, 0.72, 0.87, 1.05, 1.17], abs=0.01)


def test_the_best_of_equal_runs_is_shrunk_to_the_mean_and_expected_to_be_lucky() -> None:
    rng, luck, expected, shrunken, best = np.random.default_rng(4), [], [], [], []
    for _ in range(200):
        outcomes = correlated_runs(rng, 10)
        found = select_best(outcomes.mean(axis=1), outcomes, ALPHA, draws=50)
        luck.append(found.best_minus_mean)
        expected.append(found.expected_best_under_null)
        shrunken.append(found.shrunken_best - outcomes.mean())
        best.append(found.best_minus_mean)
    assert np.mean(luck) == pytest.approx(np.mean(expected), rel=0.07)
    assert np.mean(shrunken) < 0.4 * np.mean(best)


def test_the_set_tied_with_the_best_holds_the_truly_best_run_in_95_percent() -> None:
    rng, simulations, kept, sizes = np.random.default_rng(6), 300, 0, []
    for _ in range(simulations):
        outcomes = correlated_runs(rng, 6) + np.array([0, 1, 2, 3, 0, -8])[:, None]
        found = select_best(outcomes.mean(axis=1), outcomes, ALPHA, draws=300)
        assert found.best in found.tied_with_best
        kept += 3 in found.tied_with_best
        sizes.append(len(found.tied_with_best))
    assert kept / simulations >= 0.93
    assert np.mean(sizes) < 5


def test_a_clear_winner_stands_alone_and_two_copies_share_it() -> None:
    outcomes = correlated_runs(np.random.default_rng(8), 4)
    outcomes[2] += 30
    found = select_best(outcomes.mean(axis=1), outcomes, ALPHA)
    assert (found.best, found.tied_with_best, found.p_best) == (2, (2,), (0, 0, 1, 0))
    copied = np.vstack([outcomes, outcomes[2]])
    found = select_best(copied.mean(axis=1), copied, ALPHA)
    assert found.tied_with_best == (2, 4)
    assert found.p_best == (0, 0, 0.5, 0, 0.5)


@pytest.mark.parametrize("n", [2, 3])
def test_few_prompts_make_no_best_certain_nor_its_lead_free_of_luck(n: int) -> None:
    """All of 2 prompts won is all of them in every resample, and leaves no error: that was a chance of 1."""
    found = select_best([100.0, 0.0], np.zeros((2, n)), ALPHA)
    assert 0.85 < found.p_best[0] < 1
    assert found.expected_best_under_null > 5
    assert found.shrunken_best < 99
    same = select_best([40.0, 40.0], np.zeros((2, n)), ALPHA)
    assert (same.p_best, same.expected_best_under_null) == ((0.5, 0.5), 0)


def test_one_run_is_its_own_best_and_other_shapes_are_refused() -> None:
    found = select_best([40.0], [[10.0, -10.0, 0.0]], ALPHA)
    assert (found.best, found.tied_with_best, found.best_minus_mean) == (0, (0,), 0)
    with pytest.raises(DataError, match="one row of influences per run"):
        select_best([1.0, 2.0], [[1.0, 2.0]], ALPHA)
