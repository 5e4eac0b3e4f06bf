from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest, norm, t

from alpacabench.scoring.small_sample import mean_of, sign_flip_p, sign_flip_p_below, whole_changes
from tests.helpers.scoring_data import COMPLETE, recorded
from tests.helpers.simulations import flips, paired_intervals


@pytest.mark.parametrize("n", [12, 20, 32, 100])
@pytest.mark.parametrize(("won", "lost"), [(0.02, 0.07), (0.08, 0.08), (0.05, 0.2)])
def test_intervals_cover_and_no_equivalence_is_false(n: int, won: float, lost: float) -> None:
    covered, equivalent = paired_intervals(n, won, lost, rounds=400)
    assert covered >= 0.93
    assert won == lost or equivalent <= 0.05


def test_many_prompts_have_the_normal_interval_of_the_plain_mean() -> None:
    d = flips(np.random.default_rng(0), 805, 0.05, 0.1)
    error = d.std(ddof=1) / np.sqrt(805)
    assert mean_of(d).interval() == pytest.approx(d.mean() + norm.ppf([0.025, 0.975]) * error, abs=1e-9)
    assert mean_of(d).two_sided_p() == pytest.approx(2 * norm.sf(abs(d.mean()) / error), rel=1e-9)


def test_few_changes_have_the_t_interval_with_one_prompt_won_and_one_lost_more() -> None:
    d = np.array([0.0, 0, 100, 0, 0, 100, -100, 0])
    padded = np.append(d, [100, -100])
    error = padded.std(ddof=1) / np.sqrt(10)
    assert mean_of(d).interval() == pytest.approx(padded.mean() + t.ppf([0.025, 0.975], 9) * error)
    assert mean_of(np.zeros(8)).detectable() == pytest.approx(
        (t.ppf(0.975, 9) + t.ppf(0.8, 9)) * np.std([100, -100] + [0] * 8, ddof=1) / np.sqrt(10)
    )


def test_little_jumps_where_the_two_prompts_are_left_out() -> None:
    rng = np.random.default_rng(1)
    d = np.concatenate([100.0 * np.resize([1, -1], 24), np.zeros(280)])
    widths = [np.ptp(mean_of(d[:m]).interval()) * np.sqrt(m) / d[:m].std() for m in range(60, 304)]
    assert np.max(np.abs(np.diff(np.log(widths)))) < 0.06
    assert whole_changes(np.append(np.zeros(400), np.full(9, 100.0))) == pytest.approx(9, rel=0.1)
    assert whole_changes(rng.normal(0, 20, 3000)) == pytest.approx(3000 * 0.2**2, rel=0.15)
    assert whole_changes(np.full(805, -100.0)) == 0


@pytest.mark.parametrize(("won", "lost"), [(0, 0), (2, 0), (5, 0), (3, 12), (400, 300)])
def test_sign_flips_of_equal_size_are_mcnemars_test(won: int, lost: int) -> None:
    d = np.array([100.0] * won + [-100.0] * lost + [0.0] * 9)
    changes = won + lost
    assert sign_flip_p(d) == pytest.approx(binomtest(won, changes).pvalue if changes else 1.0)
    one_sided = binomtest(lost, changes, alternative="greater").pvalue if changes else 1.0
    assert sign_flip_p_below(d) == pytest.approx(one_sided)


def test_sign_flips_of_any_size_are_the_share_of_all_patterns() -> None:
    rng = np.random.default_rng(2)
    for n in (6, 18):
        d = rng.normal(15, 30, n)
        sums = np.zeros(1)
        for size in np.abs(d):
            sums = np.concatenate([sums + size, sums - size])
        assert sign_flip_p(d) == pytest.approx(np.mean(np.abs(sums) >= abs(d.sum()) - 1e-9), abs=0.012)
        assert sign_flip_p_below(-d) == pytest.approx(np.mean(sums <= -d.sum() + 1e-9), abs=0.012)
        assert sign_flip_p(d) == sign_flip_p(d[::-1])
    assert sign_flip_p(rng.normal(20, 30, 805)) < 1e-20


@pytest.mark.slow
@pytest.mark.parametrize("n", [12, 20, 32])
def test_random_subsets_of_pairs_of_published_models(alpaca_data: Path, n: int) -> None:
    runs = [recorded(alpaca_data, name) for name in COMPLETE]
    ys = [dict(zip(run.instructions, run.preferences, strict=True)) for run in runs]
    rng = np.random.default_rng(n)
    for a, b in itertools.combinations(ys, 2):
        d = np.array([(b[text] - a[text]) * 100 for text in a])
        drawn = [mean_of(rng.choice(d, n, replace=False)) for _ in range(1000)]
        covered = np.mean([low <= d.mean() <= high for low, high in (known.interval() for known in drawn)])
        assert covered >= 0.93 - 2 * np.sqrt(0.93 * 0.07 / 1000)
        if abs(d.mean()) > 2:
            inside = [low > -2 and high < 2 for low, high in (known.interval(0.9) for known in drawn)]
            assert np.mean(inside) <= 0.05
