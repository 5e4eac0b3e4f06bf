"""People's labels: who wrote which answer is told nowhere; what was said is found again in any order and any run."""

from __future__ import annotations

import csv
import json
import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpacabench.analysis.finished_run import FinishedRun, read_run
from alpacabench.analysis.trust.blinding import blind, draw, read_policy
from alpacabench.analysis.trust.label_file import by_item, checked, label_id, of_run, pair_id, read_label_files
from alpacabench.analysis.trust.labels import read_labels
from alpacabench.core.errors import ConfigError, DataError
from alpacabench.report.label_page import write_label_page
from tests.helpers.finished_runs import JUDGE, REFERENCE, alpacabench, annotation_rows, write_annotations, write_run

POLICY = read_policy(None).id


def finished(tmp_path: Path, n: int = 60, **changed: Any) -> FinishedRun:
    return read_run(str(write_annotations(tmp_path / "run.json", annotation_rows([1.5] * n, **changed))))


def data_of(page: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text(), re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def said(pairs: list[dict[str, Any]], labeller: str, wants: str, policy: str = POLICY) -> list[dict[str, Any]]:
    """Return what the page exports for one who takes the answer that begins with `wants`."""
    return [
        {"id": p["id"], "labeller": labeller, "preference": 1 if p["first"].startswith(wants) else 2, "policy": policy}
        for p in pairs
    ]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    if path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text(json.dumps(rows))
    return path


def test_the_page_tells_no_name_and_takes_answers_as_data(tmp_path: Path) -> None:
    attack = "</script><img src=x onerror=alert(1)><!-- \u202e"
    run = finished(tmp_path, generator="secret-model", output_2=attack)
    page = write_label_page(tmp_path / "labels.html", draw([run], 60, 0).pairs, read_policy(None))
    text = page.read_text()
    assert not [name for name in ("secret-model", REFERENCE, JUDGE, str(tmp_path), "http:", "https:") if name in text]
    assert "<img" not in text and "\u202e" not in text
    shown = {answer for pair in data_of(page)["pairs"] for answer in (pair["first"], pair["second"])}
    assert attack.replace("\u202e", "\ufffd") in shown
    assert set(data_of(page)) == {"page", "policy_id", "policy", "pairs"}
    assert {name for pair in data_of(page)["pairs"] for name in pair} == {"id", "instruction", "first", "second"}


def test_the_page_runs_its_own_script_alone(tmp_path: Path) -> None:
    text = write_label_page(tmp_path / "x.html", draw([finished(tmp_path)], 9, 0).pairs, read_policy(None)).read_text()
    rule = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert rule and rule[1].startswith("default-src 'none';") and "unsafe" not in rule[1]
    for tag in ("style", "script"):
        body = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert body and f"sha256-{b64encode(sha256(body[1].encode()).digest()).decode()}" in rule[1]


def test_the_order_says_nothing_of_who_wrote_which(tmp_path: Path) -> None:
    run = finished(tmp_path, n=400)
    pairs = draw([run], 400, 0).pairs
    model_first = np.mean([pair.first.startswith("answer") for pair in pairs])
    assert 0.4 < model_first < 0.6
    constant = [blind(f"Question {number}", "always the same", f"varied {number}").first for number in range(400)]
    assert 0.4 < np.mean([first == "always the same" for first in constant]) < 0.6


def test_the_draw_is_uniform_and_does_not_depend_on_the_order_of_rows(tmp_path: Path) -> None:
    rows = annotation_rows([1.5] * 20)
    run, shuffled = (
        read_run(str(write_annotations(tmp_path / name, found)))
        for name, found in (("a.json", rows), ("b.json", rows[::-1]))
    )
    assert draw([run], 7, 3) == draw([shuffled], 7, 3)
    assert draw([run], 12, 3).pairs[:7] == draw([run], 7, 3).pairs
    assert draw([run, shuffled], 99, 0).n_pairs == 20
    drawn = [pair.instruction for seed in range(500) for pair in draw([run], 5, seed).pairs]
    counts = [drawn.count(item) for item in run.items]
    assert min(counts) > 125 - 4.5 * 10 and max(counts) < 125 + 4.5 * 10


def test_a_label_means_the_same_in_either_order(tmp_path: Path) -> None:
    run = finished(tmp_path)
    items = list(run.items.values())
    pairs = [{"id": p.id, "first": p.first, "second": p.second} for p in draw([run], 60, 0).pairs]
    assert 10 < sum(pair["id"] == pair_id(item) for pair in pairs for item in items) < 50
    labels = read_label_files([str(write(tmp_path / "ann.json", said(pairs, "ann", "answer")))])
    assert np.all(by_item(of_run(labels, items), items)["ann"] == 2)
    turned = label_id(items[0].instruction, items[0].output, items[0].reference)
    two = [{"id": pair_id(items[0]), "preference": 2}, {"id": turned, "preference": 1}]
    agree = write(tmp_path / "two.json", [row | {"labeller": "ann"} for row in two])
    assert read_labels([str(agree)], run)["ann"][0] == 2
    differ = write(tmp_path / "differ.json", [row | {"labeller": "ann", "preference": 2} for row in two])
    with pytest.raises(DataError, match="has said 2 of this pair"):
        read_labels([str(differ)], run)


def test_equal_answers_are_a_tie_whatever_is_said(tmp_path: Path) -> None:
    run = finished(tmp_path, n=1, output_1="the same", output_2="the same")
    (pair,) = draw([run], 1, 0).pairs
    row = {"id": pair.id, "labeller": "ann", "preference": 2}
    assert read_labels([str(write(tmp_path / "ann.json", [row]))], run)["ann"] == 1.5


GOOD = {"id": "0123456789abcdef", "labeller": "ann", "preference": 1, "policy": "p"}
REFUSED = {
    "no id": ({"id": None}, "row 2: no 'id'"),
    "an id that a spreadsheet has turned": ({"id": "1.23457E+15"}, "row 2: no 'id' of a pair .given '1.23457E.15'"),
    "nobody": ({"labeller": " "}, "row 2: no 'labeller'"),
    "a number between": ({"id": "1" * 16, "preference": 1.3}, "row 2: 'preference' is 1.3"),
    "a word": ({"id": "1" * 16, "preference": "first"}, "row 2: 'preference' is 'first'"),
    "a win on a scale from 0 to 1": ({"id": "1" * 16, "preference": 0}, "row 2: 'preference' is 0"),
    "a code of alpaca_eval": ({"id": "1" * 16, "preference": -1}, "row 2: 'preference' is -1"),
    "a list": ({"id": "1" * 16, "preference": [1]}, "row 2: 'preference' is .1."),
    "true": ({"id": "1" * 16, "preference": True}, "row 2: 'preference' is True"),
    "another policy": ({"id": "1" * 16, "policy": "q"}, "under 2 policies .* p .*row 1.*; q .*row 2"),
    "two things of one pair": ({"preference": None}, "row 2: 'ann' has said 1 of this pair .*row 1.*, and now can"),
}  # fmt: skip


@pytest.mark.parametrize("change, message", REFUSED.values(), ids=REFUSED)
def test_a_row_that_cannot_be_used_is_named(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "labels.json", [GOOD, GOOD | change])
    with pytest.raises(DataError, match=message):
        checked(read_label_files([str(path)]))


def test_what_a_spreadsheet_makes_of_a_label_is_read(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    rows = (
        "id;labeller;preference;policy",
        "0123456789ABCDEF;Zoë;1,5;p",
        f"{'1' * 16};Zoë;;p",
        f"{'2' * 16};Zoë;2,0;p",
    )
    path.write_text("\n".join(rows), encoding="utf-8-sig")
    found = read_label_files([str(path)])
    assert [(label.id, label.preference) for label in found] == [
        ("0123456789abcdef", 1.5), ("1" * 16, None), ("2" * 16, 2.0)
    ]  # fmt: skip


def test_a_row_without_preference_is_no_cannot_say(tmp_path: Path) -> None:
    path = write(tmp_path / "labels.json", [{"id": GOOD["id"], "labeller": "ann"}])
    with pytest.raises(DataError, match="row 1: no 'preference'"):
        read_label_files([str(path)])


def test_a_policy_is_known_by_its_words(tmp_path: Path) -> None:
    for name, text in (("a.txt", "Be kind.\nBe brief.\n"), ("b.txt", "Be kind.  \r\nBe brief."), ("c.txt", "Be kind.")):
        (tmp_path / name).write_bytes(text.encode())
    one, same, other = (read_policy(str(tmp_path / name)).id for name in ("a.txt", "b.txt", "c.txt"))
    assert one == same != other
    (tmp_path / "empty.txt").write_text(" \n")
    for name in ("empty.txt", "absent.txt"):
        with pytest.raises(ConfigError, match="--policy"):
            read_policy(str(tmp_path / name))


def test_pairs_without_texts_are_told(tmp_path: Path) -> None:
    rows = annotation_rows([1.5] * 5)
    half = [row | {"output_1": None} if number < 2 else row for number, row in enumerate(rows)]
    drawn = draw([read_run(str(write_annotations(tmp_path / "a.json", half)))], 60, 0)
    assert (len(drawn.pairs), drawn.n_pairs, drawn.n_incomplete) == (3, 3, 2)
    none = write_annotations(tmp_path / "b.json", [row | {"output_1": None} for row in rows])
    with pytest.raises(DataError, match="none of the 5 pairs has both answers"):
        draw([read_run(str(none))], 60, 0)


def test_two_people_label_a_page_and_the_run_is_repeated(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", [2.0, 1.0] * 40)
    page = tmp_path / "labels.html"
    done = alpacabench("label", folder, "--n", 50, "--out", page)
    assert done.returncode == 0 and "50 of 80 pairs, a uniform draw (seed 0)" in done.stdout, done.stderr
    pairs = data_of(page)["pairs"]
    ann = said(pairs, "ann", "answer")
    bea = [row | {"labeller": "bea"} for row in ann]
    bea[0] |= {"preference": 1.5}
    bea[1] |= {"preference": None}
    bea[2] |= {"preference": 3 - bea[2]["preference"]}
    files = [write(tmp_path / "ann.csv", ann[::-1]), write(tmp_path / "bea.json", bea[20:] + bea[:20])]

    alone = alpacabench("labels", *files)
    assert alone.returncode == 0, alone.stderr
    assert 'bea: 50 labels, 1 of them ties, 1 "cannot say"' in alone.stdout
    assert "ann and bea: the same in 95.9%" in alone.stdout and "of 49 pairs, kappa 0.9" in alone.stdout
    assert "Krippendorff's alpha is 0.9" in alone.stdout

    again = write_run(tmp_path / "again", [1.0, 2.0] * 40)
    for run in (folder, again):
        (run / "verdicts.jsonl").unlink()
    rows = json.loads((again / "annotations.json").read_text())
    (again / "annotations.json").write_text(json.dumps(rows[::-1]))
    imported = alpacabench("labels", files[0], "--run", folder, again)
    assert imported.returncode == 0, imported.stderr
    second = alpacabench("labels", files[1], "--run", folder)
    assert "100 labels of 50 of its 80 pairs" in second.stdout, second.stderr
    assert "ann took the answer shown first in" in second.stdout
    assert second.stdout.index("alpha") < second.stdout.index(f"{JUDGE}, agreement")
    mine = json.loads((folder / "labels.json").read_text())
    assert {row["preference"] for row in mine if row["labeller"] == "ann"} == {2.0}
    assert {row["id"] for row in json.loads((again / "labels.json").read_text())} == {row["id"] for row in mine}
    assert set(read_labels([str(path) for path in (*files, folder / "labels.json")], read_run(str(again)))) == {
        "ann",
        "bea",
    }
    trusted = alpacabench("trust", folder)
    assert trusted.returncode == 0, trusted.stderr
    found = json.loads((folder / "trust.json").read_text())["people"][JUDGE]
    assert (found["n_labelled"], found["n_labellers"]) == (50, 2)


def test_labels_of_another_run_and_impossible_numbers_are_refused(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", [2.0, 1.0])
    labels = write(tmp_path / "labels.json", [GOOD])
    for words, message in (
        (("labels", labels, "--run", folder), "none of the labels is of a pair of"),
        (("labels", labels, "--run", "0" * 32), "nothing answers"),
        (("label", folder, "--n", 0, "--out", tmp_path / "x.html"), "--n: given 0"),
    ):
        done = alpacabench(*words, MLFLOW_TRACKING_URI=f"sqlite:///{tmp_path}/none.db")
        assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
    assert not (folder / "labels.json").exists() and not (tmp_path / "x.html").exists()
