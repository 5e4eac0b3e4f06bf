"""The pages of a sweep, of a comparison and of a leaderboard say what is established and what is noise."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from alpacabench.analysis.estimate import Estimate
from alpacabench.analysis.sentences import compare
from alpacabench.analysis.sentences import sweep as sweep_says
from alpacabench.analysis.sweep.table import SweepRow, SweepTable
from alpacabench.cost.expected import Expected
from alpacabench.report import sweep_figures
from alpacabench.report.compare_figures import rates
from alpacabench.report.compare_report import write_compare_report
from alpacabench.report.leaderboard_report import NEIGHBOURS, shown
from alpacabench.report.sweep_report import write_sweep_report
from alpacabench.report.sweep_terminal import show
from alpacabench.report.sweep_words import tiles
from alpacabench.run.plan import JobShare, Plan, print_plan
from tests.helpers.report_data import BASE, comparison, leaderboard, rate, sweep


def test_only_differences_that_survive_holm_are_called_established() -> None:
    table = sweep()
    established = [row for row in table.rows if row.p_holm is not None and row.p_holm < 0.05]
    assert sweep_says.headline(table) == f"{len(established)} of 10 settings are worse than the base"
    for row in established:
        assert table.label(row) in sweep_says.findings(table)[0]


def test_a_sweep_of_noise_is_called_noise() -> None:
    table = replace(sweep(), rows=tuple(replace(row, p_holm=row.p_holm and 1.0) for row in sweep().rows))
    assert sweep_says.headline(table) == "No setting is shown to differ from the base"
    assert "may be chance" in sweep_says.findings(table)[0]


def test_settings_are_named_by_what_varies() -> None:
    table = sweep()
    assert table.axes() == {
        "decoding.temperature": ("0", "0.3", "0.7", "1.0"),
        "perturbation": ("none", "typos", "casing"),
    }
    assert table.label(table.rows[0]) == "temperature=0, perturbation=none"
    assert table.values(table.rows[0]) == "0 · none"


def test_keys_with_the_same_last_part_are_written_in_full() -> None:
    rows = tuple(SweepRow(name, {"model.name": name, "judge.name": name}) for name in "ab")
    assert SweepTable("t", rows, None).label(rows[0]) == "model.name=a, judge.name=a"


def test_one_numeric_axis_gives_a_line_and_no_heat_map() -> None:
    table = sweep()
    one = replace(
        table,
        rows=tuple(
            replace(row, overrides={"decoding.temperature": row.overrides["decoding.temperature"]})
            for row in table.rows
            if row.overrides["perturbation"] == "none"
        ),
    )
    keys = [figure.key for figure in sweep_figures.figures(one)]
    assert "along" in keys
    assert "heat" not in keys


def test_the_best_is_named_with_those_it_cannot_be_separated_from() -> None:
    words = " ".join(sweep_says.findings(sweep()))
    assert "temperature=0, perturbation=casing has the highest win rate" in words
    assert "cannot be separated from temperature=0, perturbation=none; temperature=0.3, perturbation=none" in words


def test_what_only_the_pairing_shows_is_said_so() -> None:
    found = replace(
        sweep(), rows=tuple(replace(row, p_holm=row.p_holm and 0.01, p_unpaired=0.2) for row in sweep().rows)
    )
    assert "Pairing prompt by prompt is what shows it" in " ".join(sweep_says.findings(found))
    missed_by_none = replace(sweep(), rows=tuple(replace(row, p_unpaired=0.01) for row in sweep().rows))
    assert "unpaired" not in " ".join(sweep_says.findings(missed_by_none))


def test_settings_that_cost_the_same_have_no_plot_of_cost() -> None:
    rows = tuple(replace(row, full_cost_usd=0.0, seconds_per_answer=1.0) for row in sweep().rows)
    assert "pareto" in [figure.key for figure in sweep_figures.figures(sweep())]
    assert "pareto" not in [figure.key for figure in sweep_figures.figures(replace(sweep(), rows=rows))]


def test_one_setting_against_the_base_is_named_in_the_headline() -> None:
    base, better = sweep().rows[:2]
    better = replace(better, delta_wr=rate(3, 1), p_holm=0.001, tied_with_best=True)
    table = replace(sweep(), rows=(replace(base, tied_with_best=False), better))
    assert sweep_says.headline(table) == "temperature=0.3 is better than the base"
    assert [table.place(row) for row in table.rows] == ["", "best"]
    assert {sweep().place(row) for row in sweep().rows} == {"", "tied"}
    assert "effects" not in [figure.key for figure in sweep_figures.figures(table)], "the differences say the same"


def test_failed_jobs_are_listed_and_left_out_of_the_rest(tmp_path: Path) -> None:
    html = write_sweep_report(tmp_path / "sweep.html", sweep()).read_text(encoding="utf-8")
    jobs, _, failed = html.partition("All jobs")[2].partition("Failed jobs")
    assert "temperature=1.0, perturbation=casing" not in jobs
    assert "temperature=1.0, perturbation=casing" in failed
    assert "OOM" in failed


def test_a_sweep_of_which_every_job_failed_still_has_a_page(tmp_path: Path) -> None:
    rows = tuple(SweepRow(str(i), {"seed": str(i)}, failure="no CUDA") for i in range(3))
    html = write_sweep_report(tmp_path / "sweep.html", SweepTable("seed=0,1,2", rows, "0")).read_text(encoding="utf-8")
    assert html.count("no CUDA") == 3


def test_the_terminal_shows_labels_and_failures_literally(capsys: pytest.CaptureFixture[str]) -> None:
    rows = (
        SweepRow("0", {"model.template": "[/INST] :key:"}, win_rate=Estimate(50.0, 40.0, 60.0), n=9),
        SweepRow("1", {"model.template": "[red]"}, failure="no [bold] in [/nothing]"),
    )
    show(SweepTable("[b]sweep[/]", rows, "0", warnings=("see [link=x]",)))
    printed = capsys.readouterr().out
    assert "[b]sweep[/]" in printed and "- see [link=x]" in printed
    assert printed.count("[/INST] :key:") == 3, "in its row, in the caption, as the best"
    assert "[red]" in printed and "no [bold] in" in printed and "[/nothing]" in printed


def test_a_plan_shows_labels_literally(capsys: pytest.CaptureFixture[str]) -> None:
    who = {"key": Expected("[/INST] [bold] :key:", (1, 1), (1, 1), (0, 0))}
    print_plan(Plan(jobs=[JobShare("[red]", 1, 0, 0, 0), JobShare("[/b]", 0, 1, 0, 0)], prompts=1, answers=who))
    printed = capsys.readouterr().out
    assert "[/INST] [bold] :key:" in printed and "[red]" in printed and "[/b]" in printed


def test_the_time_of_a_sweep_is_that_of_its_answers_and_verdicts() -> None:
    asked = replace(sweep(), metrics={"generate_seconds": 62.0, "judge_seconds": 3.0})
    assert [(tile.value, tile.note) for tile in tiles(asked) if tile.label == "Time"] == [
        ("1 min 5 s", "answers and verdicts")
    ]


def test_the_base_is_marked_in_the_table(tmp_path: Path) -> None:
    html = write_sweep_report(tmp_path / "sweep.html", replace(sweep(), base=BASE)).read_text(encoding="utf-8")
    assert html.count("temperature=0, perturbation=none (base)") == 1


def test_a_difference_with_an_interval_over_zero_is_not_claimed() -> None:
    pair = comparison()
    assert compare.headline(pair) == "temperature=0.7 wins more often than temperature=0"
    assert "not shown to differ" in compare.headline(replace(pair, delta_wr=rate(6.4, 7.0), established=False))
    assert "equivalent within 2.0" in compare.headline(replace(pair, established=False, equivalent=True))


def test_two_runs_of_one_model_are_told_apart_beside_a_plot() -> None:
    names = ("a-model-with-a-long-name (decoding=greedy)", "a-model-with-a-long-name (decoding=sampling)")
    labels = [row[0] for row in rates(replace(comparison(), name_a=names[0], name_b=names[1])).rows]
    assert labels[:2] == ["decoding=greedy", "decoding=sampling"]
    labels = [row[0] for row in rates(comparison()).rows]
    assert labels[:2] == ["temperature=0", "temperature=0.7"]


def test_length_control_that_disagrees_is_said_so() -> None:
    """Finding 14: raw minus length-controlled has a test of its own, and decides."""
    pair = replace(comparison(), raw_minus_lc=rate(2.5, 1.0))
    assert any("length accounts for +2.5" in sentence for sentence in compare.findings(pair))
    unclear = replace(pair, raw_minus_lc=rate(2.5, 3.0))
    assert any("not shown that length" in sentence for sentence in compare.findings(unclear))
    assert "Nothing can be concluded" in compare.headline(replace(pair, saturated=True))


def test_flips_go_to_their_own_side_with_their_reasons(tmp_path: Path) -> None:
    pair = comparison()
    html = write_compare_report(tmp_path / "c.html", pair).read_text(encoding="utf-8")
    won, _, lost = html.partition("Lost by temperature=0, won by")[2].partition("Won by temperature=0, lost by")
    changes = [re.findall(r'<span class="score">([+−])', part) for part in (won, lost)]
    assert set(changes[0]) == {"+"}
    assert set(changes[1]) == {"−"}
    assert "1.8 times longer" in won


def test_the_leaderboard_plot_keeps_every_run_and_its_neighbours() -> None:
    board = leaderboard()
    ranks = [row.rank for row in shown(board.rows)]
    own = next(row.rank for row in board.rows if row.own)
    assert ranks == list(range(own - NEIGHBOURS, own + NEIGHBOURS + 1))
