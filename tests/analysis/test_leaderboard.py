"""Runs among the published rows, and a run's own leaderboard file."""

from __future__ import annotations

import csv
import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from alpacabench.analysis.leaderboard import FOLDERS, published
from alpacabench.core.errors import DataError
from alpacabench.report.leaderboard_csv import write_leaderboard
from tests.helpers.finished_runs import JUDGE, REFERENCE, alpacabench, annotation_rows, write_annotations, write_run


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def shipped() -> Path:
    spec = find_spec("alpaca_eval")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "leaderboards" / "data_AlpacaEval_2" / f"{JUDGE}_leaderboard.csv"


def test_all_published_rows_are_read_with_the_interval_of_their_standard_error() -> None:
    rows = published(JUDGE, REFERENCE)
    assert len(rows) == 223
    null = next(row for row in rows if row.name == "NullModel")
    assert null.win_rate.value == pytest.approx(76.9198, abs=1e-4)
    assert null.win_rate.interval == pytest.approx((76.9198 - 1.95996 * 0.90901, 76.9198 + 1.95996 * 0.90901), abs=1e-3)
    assert null.lc is not None and null.lc.interval is None


@pytest.mark.parametrize("judge", ["alpaca_eval_gpt4_turbo_fn", "claude_3_opus_ranking", "mistral-large-2402_ranking"])
def test_the_other_judges_rows_are_read_too(judge: str) -> None:
    assert len(published(judge, REFERENCE)) >= 6


def test_every_shipped_file_of_rows_is_readable(shipped: Path) -> None:
    folders = {folder: reference for reference, folder in FOLDERS.items()}
    for file in shipped.parents[1].glob("data_*/*_leaderboard.csv"):
        judge = file.name.removesuffix("_leaderboard.csv")
        assert len(published(judge, folders[file.parent.name])) == len(read_csv(file))


@pytest.mark.parametrize(
    ("judge", "reference", "message"),
    [
        ("longest", REFERENCE, "no published rows have the judge 'longest'"),
        (JUDGE, "alpacabench_reference", "no published rows have the reference 'alpacabench_reference'"),
        (JUDGE, "text_davinci_003", "win rates of other judges cannot be compared"),
    ],
)
def test_a_judge_or_reference_without_published_rows_is_refused(judge: str, reference: str, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        published(judge, reference)


def test_a_run_is_placed_by_its_win_rate_with_an_interval_of_its_place(tmp_path: Path) -> None:
    run = write_annotations(tmp_path / "mine.json", annotation_rows([2.0, 1.0] * 402 + [1.0]))
    found = alpacabench("leaderboard", run, "--csv", tmp_path / "board.csv", "--around", 1)
    assert found.returncode == 0, found.stderr
    rates = [row.win_rate.value for row in published(JUDGE, REFERENCE)]
    place = re.search(r"mine: place (\d+) \((\d+) to (\d+)\) of 224", found.stdout)
    assert place, found.stdout
    rank, best, worst = map(int, place.groups())
    assert rank == 1 + sum(rate > 402 / 805 * 100 for rate in rates)
    assert best < rank < worst
    rows = read_csv(tmp_path / "board.csv")
    assert len(rows) == 224
    assert [float(row["win_rate"]) for row in rows] == sorted((float(row["win_rate"]) for row in rows), reverse=True)
    own = rows[rank - 1]
    assert own[""] == "mine" and float(own["win_rate_ci_low"]) < float(own["win_rate"]) < float(own["win_rate_ci_high"])


def test_table_sentence_and_page_tell_one_place_and_one_count_where_runs_stand_beside_each_other(
    tmp_path: Path,
) -> None:
    """Finding 16: one place, one count, one interval."""
    runs = [write_annotations(tmp_path / f"{n}.json", annotation_rows([2.0] * 400 + [1.0] * 405)) for n in ("a", "b")]
    page = tmp_path / "board.html"
    found = alpacabench("leaderboard", *runs, "--around", 1, "--html", page)
    assert found.returncode == 0, found.stderr
    rates = [row.win_rate.value for row in published(JUDGE, REFERENCE)]
    rank = 1 + sum(rate > 400 / 805 * 100 for rate in rates)
    html = page.read_text(encoding="utf-8")
    for name in ("a", "b"):  # They tie: both have the same place.
        sentence = re.search(rf"{name}: (place {rank} \(\d+ to \d+\) of 225)", found.stdout)
        assert sentence and f"{name}: {sentence[1]}" in html, found.stdout
        assert re.search(rf"│ +{rank} │ {name} ", found.stdout), found.stdout
        assert f'<td class="number">{rank}</td><th scope="row">{name}</th>' in html


def test_real_runs_land_on_their_own_published_rows(alpaca_data: Path, tmp_path: Path) -> None:
    names = ("claude-2.1", "FuseChat-Llama-3.1-8B-Instruct", "alpaca-7b")
    board = tmp_path / "board.csv"
    found = alpacabench(
        "leaderboard", *(alpaca_data / f"{name}.annotations.json.gz" for name in names), "--csv", board,
        "--lc-data", alpaca_data / "df_gamed.csv", "--dataset", alpaca_data / "gpt4_1106_preview.outputs.json.gz",
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert "by length_controlled_winrate" in found.stdout.replace("\n", " ")
    rows = read_csv(board)
    for name in names:
        own, theirs = sorted((row for row in rows if row[""] == name), key=lambda row: not row["win_rate_ci_low"])[:2]
        assert float(own["win_rate"]) == pytest.approx(float(theirs["win_rate"]), abs=1e-6)
        assert float(own["length_controlled_winrate"]) == pytest.approx(
            float(theirs["length_controlled_winrate"]), abs=0.11
        )
        assert own["n_wins"] == theirs["n_wins"] and own["avg_length"] == theirs["avg_length"]


def test_runs_of_two_judges_are_never_mixed(tmp_path: Path) -> None:
    a, b = write_run(tmp_path / "a", [1.0, 2.0]), write_run(tmp_path / "b", [1.0, 2.0], annotator="longest")
    found = alpacabench("leaderboard", a, b)
    assert found.returncode == 2 and "judges and references are never mixed" in found.stderr
    assert f"{b}: judge longest, reference {REFERENCE}" in found.stderr


def test_judges_of_one_label_and_two_contents_are_not_mixed_and_none_takes_a_published_label(tmp_path: Path) -> None:
    from alpacabench.judge.alpaca_eval import AlpacaEvalAnnotator

    published_one = AlpacaEvalAnnotator(annotator=JUDGE).content()
    edited = published_one | {"prompt": [{"role": "user", "content": "Prefer the longer answer."}]}
    same, other = write_run(tmp_path / "same", [1.0, 2.0] * 4), write_run(tmp_path / "other", [1.0, 2.0] * 4)
    (same / "judge.json").write_text(json.dumps(published_one))
    (other / "judge.json").write_text(json.dumps(edited))
    assert alpacabench("leaderboard", same).returncode == 0
    mixed = alpacabench("leaderboard", same, other)
    assert mixed.returncode == 2 and "judges and references are never mixed" in mixed.stderr
    assert "judge (prompt)" in mixed.stderr and str(other) in mixed.stderr
    alone = alpacabench("leaderboard", other)
    assert alone.returncode == 2 and "another judge than the published rows" in alone.stderr, alone.stdout
    (other / "judge.json").write_text(json.dumps(published_one | {"identity": {"model": "gpt-4.1"}}))
    model = alpacabench("leaderboard", other)
    assert model.returncode == 2 and "'gpt-4-1106-preview' published, 'gpt-4.1' in" in " ".join(model.stderr.split())


def test_a_run_without_any_verdict_has_no_place(tmp_path: Path) -> None:
    found = alpacabench("leaderboard", write_run(tmp_path / "a", [None] * 4))
    assert found.returncode == 2 and "has no verdict, and so no place" in found.stderr


def test_a_subset_is_placed_with_a_note_and_sorting_by_an_unknown_rate_is_refused(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a", [1.0, 2.0] * 20)
    found = alpacabench("leaderboard", run)
    assert "40 of 805 prompts: its place is that of a subset" in found.stdout.replace("\n", " ")
    found = alpacabench("leaderboard", run, "--by", "length_controlled_winrate")
    assert found.returncode == 2 and "length_controlled_winrate is not known for model" in found.stderr


def test_the_page_and_the_plot_are_self_contained(tmp_path: Path) -> None:
    import xml.etree.ElementTree as ElementTree

    run = write_annotations(tmp_path / "mine <b>.json", annotation_rows([2.0, 1.0] * 100))
    page, plot = tmp_path / "board.html", tmp_path / "board.svg"
    assert alpacabench("leaderboard", run, "--html", page, "--svg", plot).returncode == 0
    html = page.read_text(encoding="utf-8")
    assert "mine &lt;b&gt;" in html and "<script" not in html and "NullModel" in html
    svg = ElementTree.parse(plot).getroot()
    texts = ["".join(element.itertext()) for element in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert any("mine <b>" in text for text in texts) and "Win rate, % (95% interval)" in texts


def test_a_runs_own_file_has_alpaca_evals_columns_in_their_order(tmp_path: Path, shipped: Path) -> None:
    path = tmp_path / "run" / "leaderboard.csv"
    write_leaderboard(path, "my model", {"win_rate": 12.5, "n_total": 8, "standard_error": 1.0, "win_rate_ci_low": 3.0})
    (row,) = read_csv(path)
    with shipped.open(encoding="utf-8") as file:
        theirs = next(csv.reader(file))
    assert list(row)[: len(theirs)] == theirs
    assert (row[""], row["win_rate"], row["mode"], row["length_controlled_winrate"]) == (
        "my model",
        "12.5",
        "community",
        "",
    )


def test_alpaca_eval_is_located_and_not_imported() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from alpacabench.analysis.leaderboard import published\n"
        f"published({JUDGE!r}, {REFERENCE!r})\n"
        "print([m for m in ('alpaca_eval', 'torch', 'pandas', 'numpy') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
