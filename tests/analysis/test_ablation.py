"""The figures of an ablation: by hand where they are small, calibrated on systems whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest

from alpacabench.analysis.ablation import effect
from alpacabench.analysis.ablation.answer import answer
from alpacabench.analysis.ablation.effect import effect_rows
from alpacabench.analysis.ablation.floor import excess_flips, exchangeable_p, floor_flips
from alpacabench.analysis.ablation.outcomes import Outcomes
from alpacabench.analysis.ablation.spread import spread_of
from alpacabench.analysis.ablation.table import AblationTable
from alpacabench.analysis.ablation.variant import Seen, System, Variant
from alpacabench.analysis.decision import ALPHA
from alpacabench.analysis.sentences.ablation import findings as sentences
from alpacabench.analysis.sentences.ablation import headline
from alpacabench.report.ablation_words import tiles
from tests.helpers.ablation_data import instructions, planted, system, variant, without_lengths
from tests.helpers.planted import run


@pytest.fixture(scope="module")
def broken() -> AblationTable:
    return answer(planted())


def test_a_model_that_breaks_on_lower_case_is_named_with_that_family_first(broken: AblationTable) -> None:
    assert broken.families[0].name == "casing" and broken.families[0].sensitive
    assert [f.name for f in broken.robustness_families if f.sensitive] == ["casing"]
    assert headline(broken) == "Sensitive to casing; 2 of 3 families are not shown to matter"
    assert "casing_high moves the win rate by −25.8" in sentences(broken)[0]


def test_a_family_that_changes_the_task_is_an_effect_and_no_part_of_robustness(broken: AblationTable) -> None:
    assert [(family.name, family.verdict) for family in broken.effects] == [("length_constraint", "effect")]
    assert broken.spread and broken.spread.n_wordings == 6
    found = planted()
    without = answer(replace(found, variants=tuple(v for v in found.variants if v.kind == "robustness")))
    assert without.spread == broken.spread


def test_a_variant_is_judged_in_the_words_of_its_family(broken: AblationTable) -> None:
    for family in broken.families:
        alone = [replace(family, rows=(row,)).verdict for row in family.rows]
        assert [row.verdict for row in family.rows] == alone
    assert {row.verdict for row in broken.rows} == {"sensitive", "effect", "not shown"}


def test_prompts_on_which_the_task_changed_do_not_count_and_are_shown(broken: AblationTable) -> None:
    row = next(row for row in broken.rows if row.name == "typos_high")
    assert (row.n, row.n_rejected) == (213, 27)
    assert {(found.variant, found.reasons) for found in broken.rejected} == {
        ("typos_high", ("the word 'moon' is missing",))
    }


def test_a_response_to_the_dose_has_a_slope(broken: AblationTable) -> None:
    dose = broken.families[0].dose
    assert dose and dose.slope.interval and dose.slope.interval[1] < 0 and not dose.non_monotone
    assert [at for at, _ in dose.points] == [0.0, 0.5, 1.0] and dose.points[0][1].value == 0


def test_a_curve_that_falls_and_rises_is_a_warning() -> None:
    found = answer(system(n=300, broken={"casing_low": 0.3}, names=("casing_low", "casing_high")))
    assert found.families[0].dose and found.families[0].dose.non_monotone
    assert any("rises and falls" in warning for warning in found.warnings)


def _false_alarms(seeds: int, n: int) -> int:
    """Return in how many seeds a model that ignores wording is called sensitive to anything."""
    alarms = 0
    for seed in range(seeds):
        found = without_lengths(system(n=n, seed=seed, names=("casing_low", "casing_high", "typos_low", "other")))
        rows = effect_rows(found, Outcomes.of(found), None, 2.0)
        alarms += any(row.p_holm is not None and row.p_holm < ALPHA for row in rows)
    return alarms


def test_a_model_that_ignores_wording_is_reported_robust(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effect, "DRAWS", 2)
    assert _false_alarms(seeds=60, n=60) <= 3


@pytest.mark.slow
@pytest.mark.parametrize("n", [60, 200])
def test_a_model_that_ignores_wording_is_reported_robust_in_95_percent_of_seeds(
    n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effect, "DRAWS", 2)
    assert _false_alarms(seeds=1000, n=n) <= 50


def test_strength_zero_under_another_seed_is_no_more_than_the_floor() -> None:
    found = answer(system(n=200, seed=5, names=("typos_low", "casing_low")))
    assert headline(found).endswith("of 2 families on 200 prompts")
    assert found.spread and found.spread.robustness and found.spread.robustness.interval
    low, high = found.spread.robustness.interval
    assert low < 1 < high


def test_a_model_whose_verdicts_never_change_is_robust_and_its_zero_floor_is_a_warning() -> None:
    texts = instructions(200)
    y = [float(i % 2) for i in range(200)]
    same = System(
        variant("base", y, texts), (variant("typos_low", y, texts),), (variant("floor_1", y, texts),), "greedy"
    )
    found = answer(same)
    assert headline(found) == "Robust: no change of wording matters, of 1 family"
    assert any("noise floor is zero" in warning for warning in found.warnings)
    assert found.metrics["robustness"] == 1 and found.metrics["excess_flip"] == 0


@pytest.mark.parametrize("settings", ["decoding=sampling", "decoding=greedy"])
def test_a_zero_floor_gives_no_advice_that_the_study_has_taken_already(settings: str) -> None:
    """Finding 18: a study is told what was found of its decodes, and never to decode as it did."""
    texts, y = instructions(200), [float(i % 2) for i in range(200)]
    runs = (variant("base", y, texts), (variant("typos_low", y, texts),), (variant("floor_1", y, texts),))
    found = answer(System(*runs, settings))
    told = [headline(found), *sentences(found), *found.warnings]
    assert sum("decoding again gave the same winners and win rate" in one for one in told) == 1
    assert not [one for one in told if "decoding=" in one]


@pytest.mark.parametrize(("n", "level", "what"), [(8, 0.0, "a loss"), (200, 0.0, "a loss"), (200, 1.0, "a win")])
def test_saturated_verdicts_conclude_nothing_anywhere(n: int, level: float, what: str) -> None:
    texts, y = instructions(n), [level] * n
    runs = System(variant("base", y, texts), (variant("typos_low", y, texts),), (variant("floor_1", y, texts),))
    found = answer(runs)
    assert headline(found) == f"Nothing can be concluded: every verdict is {what}"
    assert [row.verdict for row in found.rows] == ["not shown"]
    assert len(sentences(found)) == 1 and "neither" in sentences(found)[0]
    assert found.metrics["saturated"] == 1
    assert not {"robustness", "n_sensitive_families", "worst_of_k"} & set(found.metrics)
    assert not any(tile.label in ("Robustness", "Sensitive to") for tile in tiles(found))


def test_without_re_decodes_nothing_is_called_chance() -> None:
    found = answer(system(n=100, floors=0))
    assert found.spread and found.spread.robustness is None and "excess_flip" not in found.metrics
    assert any("There is no noise floor" in warning for warning in found.warnings)


def test_a_judge_that_reads_the_perturbed_text_is_a_warning_with_the_slots_that_would_move() -> None:
    texts = instructions(400)
    settings = {"instruction": "perturbed", "seed": 0}
    y = [float(i % 3 == 0) for i in range(400)]
    shown = Variant(
        "typos_low",
        variant("typos_low", y, texts, judge_settings=settings).run,
        prompts={t: Seen(t + "!") for t in texts},
    )
    found = answer(System(variant("base", y, texts, judge_settings=settings), (shown,), ()))
    share = found.rows[0].slot_flip_share
    assert share is not None and 43 < share < 57
    assert "judge.instruction=perturbed" in found.warnings[0]


def test_floor_and_excess_flips_are_those_counted_by_hand() -> None:
    decodes = np.array([[1.0, 0, 1, 0], [1, 1, 1, 0], [0, 0, 1, 0]])
    variant_y = np.array([0.0, 0, 0, 0])
    assert floor_flips(decodes).tolist() == pytest.approx([2 / 3, 2 / 3, 0, 0])
    assert excess_flips(decodes, variant_y).tolist() == pytest.approx([1 - 2 / 3, -2 / 3, 1, 0])


def test_the_exact_p_value_is_that_of_all_relabellings() -> None:
    runs = np.array([[1.0, 0, 1, 0, 1], [1, 1, 1, 0, 1], [1, 0, 1, 0, 0], [0, 0, 0, 0, 1]])

    def disagreements(roles: tuple[int, ...]) -> int:
        return sum(int(np.sum(runs[:, i] != runs[role, i])) for i, role in enumerate(roles))

    observed = disagreements((3,) * 5)
    relabelled = [disagreements(roles) for roles in product(range(4), repeat=5)]
    expected = np.mean([count >= observed for count in relabelled])
    assert exchangeable_p(runs[:3], runs[3]) == pytest.approx(expected)


@pytest.mark.parametrize(("n", "adds"), [(2, False), (3, False), (5, False), (8, True)])
def test_few_prompts_add_nothing_that_an_exact_test_does_not_support(n: int, adds: bool) -> None:
    """All of 3 prompts lost under new wordings: their resamples agree, and the exact p of 3 to 0 is .25."""
    won, lost = [1.0] * n, [0.0] * n
    runs = [Variant(name, run(name, y, answers=False)) for name, y in
            (("base", won), ("floor_1", won), ("typos_low", lost), ("casing_low", lost))]  # fmt: skip
    found = answer(System(runs[0], tuple(runs[2:]), (runs[1],)))
    told = " ".join(sentences(found))
    assert ("the wording adds −" in told) == adds
    assert ("moves the win rate by" in told) == adds
    assert found.spread and found.spread.robustness and found.spread.robustness.interval
    low, high = found.spread.robustness.interval
    assert low == 0 < high
    assert all(0 <= one.decodes.low < one.decodes.high <= 100 for one in found.spread.statistics if one.decodes)  # type: ignore[operator]


def test_worst_and_best_of_k_are_means_over_all_draws_where_there_are_more_wordings_than_decodes() -> None:
    rng = np.random.default_rng(0)
    decodes, wordings = rng.random((3, 40)), rng.random((4, 40))
    found = spread_of(decodes, wordings, draws=200)
    assert found and (found.k, found.n_wordings, found.n_decodes) == (3, 5, 3)
    five = np.vstack([decodes[:1], wordings])
    draws = [five[list(rows)] for rows in combinations(range(5), 3)]
    by_name = {one.name: one for one in found.statistics}
    expected = {
        "worst_of_k": np.mean([y.min(axis=0).mean() for y in draws]) * 100,
        "best_of_k": np.mean([y.max(axis=0).mean() for y in draws]) * 100,
        "spread_prompt": np.mean([np.ptp(y.mean(axis=1)) for y in draws]) * 100,
        "pss": np.mean([np.abs(five[a] - five[b]).mean() for a, b in combinations(range(5), 2)]),
    }
    for name, value in expected.items():
        assert by_name[name].wordings.value == pytest.approx(value)  # type: ignore[union-attr]
    assert by_name["worst_of_k"].decodes.value == pytest.approx(decodes.min(axis=0).mean() * 100)  # type: ignore[union-attr]
    assert found.pss_max == pytest.approx(0.6)


def test_a_wording_that_does_not_count_on_a_prompt_leaves_k_equal_on_both_sides() -> None:
    decodes = np.array([[1.0, 1.0], [0.0, 0.0], [1.0, 1.0]])
    wordings = np.array([[0.0, np.nan], [1.0, 1.0]])
    found = spread_of(decodes, wordings, draws=50)
    assert found and (found.n, found.k) == (2, 3)
    worst = found.statistics[0]
    # Three of three wordings on the first prompt; two of two wordings, and two of three decodes, on the second.
    assert worst.wordings and worst.wordings.value == pytest.approx((0 + 1) / 2 * 100)
    assert worst.decodes and worst.decodes.value == pytest.approx((0 + 1 / 3) / 2 * 100)


def test_a_base_that_wins_next_to_nothing_has_no_drop_rate() -> None:
    texts = instructions(300)
    base, other = [1.0, *[0.0] * 299], [0.0] * 300
    found = answer(System(variant("base", base, texts), (variant("typos_low", other, texts),), ()))
    assert found.rows[0].pdr is None and "pdr/typos_low" not in found.metrics


def test_a_failed_translation_does_not_count_although_its_family_changes_the_task() -> None:
    texts = instructions(40)
    y = [float(i % 2) for i in range(40)]
    prompts = {
        text: Seen(f"{text}!", same_task=i >= 4, reasons=("it is not in German",)) for i, text in enumerate(texts)
    }
    one = replace(variant("translation", y, texts, "effect"), prompts=prompts)
    counted = answer(System(variant("base", y, texts), (one,), ()))
    assert (counted.rows[0].n, len(counted.rejected)) == (36, 3)
    assert answer(System(variant("base", y, texts), (replace(one, gated=False),), ())).rows[0].n == 40


def test_a_judge_that_cannot_tell_the_answers_apart_shows_nothing() -> None:
    texts = instructions(60)
    y = [0.5 + 0.001 * (i % 7 - 3) for i in range(60)]
    again, other = ([0.5 + 0.001 * ((i + k) % 7 - 3) for i in range(60)] for k in (1, 2))
    runs = System(variant("base", y, texts), (variant("typos_low", other, texts),), (variant("floor_1", again, texts),))
    found = answer(runs)
    assert headline(found) == "Nothing can be concluded: the judge is undecided on 100% of the prompts"
    assert "describe the judge, not the model" in found.warnings[0]
