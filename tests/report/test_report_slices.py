"""What a page slices by: kind of answer, language, checkpoints; colours only where an interval leaves out zero."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from alpacabench.analysis.compare.answer_kind import UNKNOWN, answer_kind, prompt_language
from alpacabench.analysis.estimate import Estimate
from alpacabench.report.handling import handling, way_of
from alpacabench.report.page_items import items_of
from alpacabench.report.plot.heat import heat
from alpacabench.report.rubric import rubric
from alpacabench.report.run_report import write_run_report
from alpacabench.report.sweep_figures import figures
from tests.helpers.report_data import ABOUT, METRICS, run, sweep

ENGLISH = "What is the best way to tell the two of them apart, and for whom is that a help?"
GERMAN = "Das ist nicht so schwer, und die Eier sind mit der Milch und dem Mehl auch nicht teuer."


def test_an_answer_is_of_the_first_kind_that_holds() -> None:
    assert answer_kind(None, None, ENGLISH) == "no answer"
    assert answer_kind(" \n", "length", ENGLISH) == "empty"
    assert answer_kind("I'm sorry, but I can't help with that.", "length", ENGLISH) == "refusal"
    assert answer_kind(GERMAN, "length", ENGLISH) == "cut off"
    assert answer_kind(GERMAN, "stop", ENGLISH) == "another language (German)"
    assert answer_kind(ENGLISH, "stop", ENGLISH) == answer_kind("42", "stop", ENGLISH) == "complete"
    assert prompt_language("再帰を説明してください。") == "Chinese or Japanese" and prompt_language("Hi!") == UNKNOWN


def test_the_slices_by_kind_add_up_and_have_their_own_means(tmp_path: Path) -> None:
    outcomes = run(120)
    page = write_run_report(tmp_path / "r.html", outcomes, METRICS, ABOUT).read_text(encoding="utf-8")
    [kinds] = [item for item in items_of(page) if item.name == "answer"]
    scored = [outcome for outcome in outcomes if outcome.preference is not None]
    sizes = [int(cell.split()[2]) for row in kinds.rows for cell in row if cell.startswith("n = ")]
    assert sum(sizes) == len(scored) and {row[0] for row in kinds.rows} >= {"complete", "cut off", "empty"}
    assert [item.name for item in items_of(page)].count("language") == 1


def test_checkpoints_are_one_curve_by_their_steps() -> None:
    table, rate = sweep(), Estimate(40.0, 35.0, 45.0)
    paths = ("checkpoint-1000", "checkpoint-200", "checkpoint-50")
    rows = tuple(
        replace(table.rows[n], name=p, overrides={"model.path": p}, win_rate=rate) for n, p in enumerate(paths)
    )
    [curve] = [one for one in figures(replace(table, rows=rows, effects=())) if one.key == "along"]
    assert "checkpoints" in curve.title and [row[1] for row in curve.rows] == ["50", "200", "1000"]
    [base] = [row.overrides["model.path"] for row in rows if not row.delta_wr]
    assert [row[3] == "base" for row in curve.rows] == [f"checkpoint-{row[1]}" == base for row in curve.rows]
    words = tuple(replace(row, overrides={"model.path": f"org/model-{n}b-chat"}) for n, row in enumerate(rows))
    assert not [one for one in figures(replace(table, rows=words, effects=())) if one.key == "along"]


def test_a_difference_has_a_colour_only_where_its_interval_leaves_out_zero() -> None:
    cells = {
        ("a", "x"): Estimate(4.0, 1.0, 7.0),
        ("a", "y"): Estimate(-8.0, -12.0, -4.0),
        ("a", "z"): Estimate(9, -1, 19),
    }
    body = str(heat(["a"], ["x", "y", "z"], cells, ("c", "r"), 500, signed=True).body)
    assert body.count('class="rise-1"') == body.count('class="even"') == 1 and body.count('class="fall-1"') == 1
    assert "+4.0" in body and "\N{MINUS SIGN}8.0" in body and "shade-" not in body


def test_a_rubrics_criteria_have_means_intervals_and_a_rate_of_unreadable_verdicts(tmp_path: Path) -> None:
    outcomes = []
    for number, outcome in enumerate(one for one in run(80) if one.verdicts):
        scores = {"tone": 6.0 + number % 2, "tone/reference": 8.0}
        verdicts = [replace(v, criteria=scores) for v in outcome.verdicts]
        if number == 0:
            verdicts[0] = replace(verdicts[0], preference=None, criteria={}, failure="no scores for tone: no JSON")
        outcomes.append(replace(outcome, verdicts=tuple(verdicts)))
    found = rubric(outcomes)
    assert found and [one.name for one in found.criteria] == ["tone"] and rubric(run(20)) is None
    [tone] = found.criteria
    per_prompt = [6.0 + number % 2 for number in range(len(outcomes))]
    assert tone.model.value == pytest.approx(sum(per_prompt) / len(per_prompt))
    assert tone.model.low and tone.model.high and 6 < tone.model.low < tone.model.value < tone.model.high < 7
    assert tone.difference and tone.difference.value == pytest.approx(tone.model.value - 8.0)
    assert (found.n_unreadable, tone.n) == (1, len(outcomes))
    page = write_run_report(tmp_path / "r.html", outcomes, METRICS, ABOUT).read_text(encoding="utf-8")
    [table] = [item for item in items_of(page) if item.name == "scores-by-criterion"]
    assert table.rows[0][0] == "tone" and f"1 of {found.n_verdicts} verdicts" in page


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("Could you please provide the text that I should summarise?", "asks back"),
        ("I'm sorry, but I can't do that. Please share the document.", "asks back"),
        ("These two demands contradict each other, so here is a list.", "names the fault"),
        ("Your message seems to be cut off. Eggs and rice make a meal.", "names the fault"),
        ("Assuming that you mean the Moon, it is far away.", "says what it assumes"),
        ("I'm sorry, but I can't help with that.", "refuses"),
        ("The moon is far away, and which of the trees is near does not matter.", "answers without a word about it"),
    ],
)
def test_what_an_answer_does_with_a_faulty_prompt(text: str, way: str) -> None:
    assert way_of(text) == way


def test_a_page_says_what_is_expected_of_faulty_prompts_and_what_was_done(tmp_path: Path) -> None:
    outcomes = [
        replace(one, prompt=replace(one.prompt, text=one.prompt.text[:-5] or "x")) if number % 2 else one
        for number, one in enumerate(run(60))
    ]
    found = handling(outcomes, "Ask.")
    changed = [one for one in outcomes if not one.prompt.unchanged and one.output]
    assert found and sum(n for _, n, _ in found.rows) == found.n == len(changed) > 20
    assert handling(outcomes, "") is None and handling(run(20), "Ask.") is None
    about = {**ABOUT, "expectation": "A good answer asks."}
    page = write_run_report(tmp_path / "r.html", outcomes, METRICS, about).read_text(encoding="utf-8")
    assert "A good answer asks." in page and "answers without a word about it" in page
