"""The page of one run says what the numbers say, and no more."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from alpacabench.analysis.estimate import Number
from alpacabench.core.records import Outcome
from alpacabench.report.run_report import health, write_run_report
from tests.helpers.report_data import ABOUT, METRICS, WARNINGS, outcome, run


def text_of(path: Path, outcomes: list[Outcome], metrics: dict[str, Number], about: dict[str, str] = ABOUT) -> str:
    html = write_run_report(path / "report.html", outcomes, metrics, about, WARNINGS).read_text(encoding="utf-8")
    return " ".join(re.sub(r"<[^>]+>", " ", html.partition("</style>")[2]).split())


def test_the_headline_gives_rate_interval_prompts_judge_and_reference(tmp_path: Path) -> None:
    text = text_of(tmp_path, run(), METRICS)
    assert "41.2% win rate of SmolLM2-135M-Instruct against gpt-4-1106-preview" in text
    assert "95% interval 36.1 to 46.4%, on 233 prompts (stratified, n=240, seed 0), judged by gpt-4.1" in text
    assert "The whole interval lies below 50%: the judge prefers gpt-4-1106-preview." in text


def test_an_interval_over_fifty_decides_nothing(tmp_path: Path) -> None:
    text = text_of(tmp_path, run(), METRICS | {"win_rate_ci_high": 50.4})
    assert "these prompts do not decide which of the two the judge prefers" in text


def test_length_control_is_set_against_the_raw_rate(tmp_path: Path) -> None:
    text = text_of(tmp_path, run(), METRICS)
    assert "Length-controlled, the win rate is 37.9% (32.3 to 43.7), 3.3 points below the raw one." in text


def test_the_variant_without_regularisation_keeps_its_own_name(tmp_path: Path) -> None:
    metrics = {key: value for key, value in METRICS.items() if not key.startswith(("length_", "lc_"))}
    text = text_of(tmp_path, run(), metrics | {"length_controlled_winrate_noreg": 39.0, "lc_ci_low_noreg": 33.0})
    assert "LC, not regularised, the win rate is 39.0%" in text
    assert "Length-controlled," not in text


def test_a_missing_verdict_is_neither_a_loss_nor_a_draw(tmp_path: Path) -> None:
    outcomes = [outcome(index, 0) for index in range(20, 60)]
    lost = [replace(item, verdicts=()) for item in outcomes[:10]]
    text = text_of(tmp_path, [*outcomes[10:], *lost], {})
    alone = text_of(tmp_path, outcomes[10:], {})
    headline = re.compile(r"\d+\.\d% win rate of .*? on \d+ prompts")
    assert headline.findall(text) == headline.findall(alone) != []
    assert f"{10 + sum(item.preference is None for item in outcomes[10:])} prompts without a score" in text


def test_a_run_without_any_verdict_still_has_a_page(tmp_path: Path) -> None:
    text = text_of(tmp_path, [replace(item, verdicts=()) for item in run(5)], {"win_rate": float("nan")})
    assert "no score" in text
    assert "No prompt has a verdict" in text


def test_a_run_of_one_prompt_or_none_still_has_a_page(tmp_path: Path) -> None:
    assert "on 1 prompt," in text_of(tmp_path, run(1), {}, {})
    assert "no score" in text_of(tmp_path, [], {}, {})


def test_slices_under_thirty_are_marked(tmp_path: Path) -> None:
    text = text_of(tmp_path, run(), METRICS)
    sizes = [(int(n), few) for n, few in re.findall(r"n = (\d+)( \(few\))?", text)]
    assert {bool(few) for n, few in sizes if n < 30} == {True}
    assert {bool(few) for n, few in sizes if n >= 30} == {False}


def test_slices_by_source_add_up_to_the_run(tmp_path: Path) -> None:
    html = write_run_report(tmp_path / "r.html", run(), METRICS, ABOUT, ()).read_text(encoding="utf-8")
    table = html.partition('id="source"')[2].partition("</figure>")[0].partition("<tbody>")[2]
    assert sum(int(n) for n in re.findall(r"<td>n = (\d+)", table)) == 233


def test_cut_off_and_empty_answers_are_counted() -> None:
    outcomes = run()
    answers = [item.generations[0] for item in outcomes]
    found = health(outcomes)
    assert found.truncated == sum(answer.finish_reason == "length" for answer in answers) > 0
    assert found.empty == sum(answer.text == "" for answer in answers) > 0
    assert found.failed == sum(answer.text is None for answer in answers) > 0


def test_worst_and_best_prompts_do_not_overlap(tmp_path: Path) -> None:
    html = write_run_report(tmp_path / "r.html", run(7), {}, ABOUT, ()).read_text(encoding="utf-8")
    shown = re.findall(r'<p class="meta">Prompt (\d+)', html)
    assert len(shown) == len(set(shown)) > 1


def test_a_perturbed_prompt_shows_what_the_model_was_shown(tmp_path: Path) -> None:
    item = outcome(30, 0)
    item = replace(item, prompt=replace(item.prompt, text="wHAT THE MODEL SAW"))
    assert "wHAT THE MODEL SAW" in text_of(tmp_path, [item], {})


def test_a_very_long_answer_is_cut_with_its_length_named(tmp_path: Path) -> None:
    item = outcome(30, 0)
    item = replace(item, generations=(replace(item.generations[0], text="a" * 20_000),))
    assert "[… 12,000 more characters]" in text_of(tmp_path, [item], {})
