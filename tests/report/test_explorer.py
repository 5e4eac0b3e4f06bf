"""The explorer's file: what it holds, what may run in it, and whose it is."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from alpacabench.analysis.explorer.content import Answered, Explorer, Flag, Row
from alpacabench.analysis.explorer.finished import of_runs
from alpacabench.analysis.explorer.outcomes import of_outcomes
from alpacabench.analysis.finished_run import read_run
from alpacabench.core.records import Checked, Finding
from alpacabench.report import explorer_page
from alpacabench.report.explorer_page import beside, write_explorer
from tests.helpers import report_data
from tests.helpers.explorer_data import explorer, rows_of
from tests.helpers.finished_runs import write_run


def test_every_prompt_and_answer_is_in_it_and_none_of_it_stands_in_the_markup(tmp_path: Path) -> None:
    content = explorer(200)
    path = write_explorer(tmp_path / "sweep.html", content)
    assert path == tmp_path / "explorer.html"
    html = path.read_text(encoding="utf-8")
    head, *rows = rows_of(path)
    assert (head["settings"], len(rows)) == (["temperature 0", "temperature 0.1"], 200)
    assert all(row[1] == one.instruction for row, one in zip(rows, content.rows, strict=True))
    assert not [attack for attack in report_data.ATTACKS if attack in html]
    assert not re.search(r"(?:src|href)=", html.partition("<script")[0])


def test_the_policy_lets_run_only_the_scripts_of_the_page(tmp_path: Path) -> None:
    html = write_explorer(tmp_path / "report.html", explorer(3)).read_text(encoding="utf-8")
    found = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    policy = unescape(found[1]) if found else ""
    assert "default-src 'none'" in policy and "unsafe-eval" not in policy
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts]
    named = re.findall(r"'sha256-([^']+)'", policy)
    assert digests == named and len(digests) == len(explorer_page.SCRIPTS)
    assert not re.search(r"script-src[^;]*'unsafe-inline'", policy)
    own = "".join(scripts[1:])
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|fetch\(", own)


def test_another_pages_explorer_is_not_overwritten(tmp_path: Path) -> None:
    first = write_explorer(tmp_path / "report.html", explorer(2))
    again = write_explorer(tmp_path / "report.html", explorer(3))
    other = write_explorer(tmp_path / "compare.html", explorer(2))
    assert first == again == tmp_path / "explorer.html" and other == tmp_path / "compare-explorer.html"
    assert beside(tmp_path / "compare.html") == other and len(rows_of(first)) == 4
    assert rows_of(other)[0]["links"] == {"Report": "compare.html"}


def test_a_link_is_an_address_of_the_web_or_a_file_beside_the_page(tmp_path: Path) -> None:
    links = {"MLflow": "http://127.0.0.1:5000/#/runs", "bad": "javascript:alert(1)", "data": "data:text/html,x"}
    path = write_explorer(tmp_path / "report.html", replace(explorer(1), links=links))
    assert list(rows_of(path)[0]["links"]) == ["Report", "MLflow"]


def test_spans_are_counted_as_a_browser_counts_and_secrets_leave_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-proj-0123456789abcdefghij")
    text = "\N{GRINNING FACE}\r\n mail me, sk-proj-0123456789abcdefghij"
    answer = Answered(100.0, (text,), len(text), flags=(Flag("privacy", "word", "m", 0, 4, 8),))
    named = Explorer(
        "base_url v1?key=sk-proj-0123456789abcdefghij", ["a"], "r", "j", [Row(0, "p", None, "", "", (answer,))]
    )
    path = write_explorer(tmp_path / "r.html", named)
    assert "sk-proj-0123" not in path.read_text(encoding="utf-8")
    [found] = rows_of(path)[1][5]
    shown, [flag] = found[1][0], found[6]
    assert shown.encode("utf-16-le")[flag[4] * 2 : flag[5] * 2].decode("utf-16-le") == "mail"
    assert "sk-proj-0123" not in shown and "<redacted>" in shown


def test_texts_are_cut_where_a_browser_could_not_hold_them_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explorer_page, "ALL_TEXTS", 40_000)
    long = Answered(0.0, ("x" * 30_000,), 30_000)
    head, *rows = rows_of(
        write_explorer(
            tmp_path / "r.html", Explorer("t", ["a"], "r", "j", [Row(i, "p", "", "", "", (long,)) for i in range(4)])
        )
    )
    assert head["limit"] == 5_000 and rows[0][5][0][1][0].endswith("[… 25,000 more characters]")


def test_an_outcome_is_shown_with_what_must_not_be_shown_masked() -> None:
    outcome = next(one for one in report_data.run(60)[20:] if one.output and len(one.output) > 30)
    checked = Checked("privacy", 0, (Finding("email", "an address", 3, 9),), masked=True)
    [row] = of_outcomes([replace(outcome, checked=(checked,))], "m", "r", "j", {}).rows
    [answer] = row.answers
    assert answer and outcome.output and outcome.generations[0].text
    assert answer.texts[0][3 : 3 + len("[privacy: email]")] == "[privacy: email]"
    assert (answer.flags[0].start, answer.flags[0].end) == (3, 3 + len("[privacy: email]"))
    assert len(answer.verdicts) == len(outcome.verdicts)


def test_finished_runs_stand_side_by_side_with_verdicts_flags_and_what_the_model_saw(tmp_path: Path) -> None:
    first, second = write_run(tmp_path / "a", [2.0, 1.0, None]), write_run(tmp_path / "b", [1.0, 1.25, 2.0])
    line = {"item_id": 1, "check": "secrets", "sample": 0, "violates": True}
    finding = {"rule": "key", "message": "a key", "start": 0, "end": 6}
    (second / "checks.jsonl").write_text(json.dumps(line | {"findings": [finding]}) + "\n")
    made = [{"item_id": i, "sample": 0, "output": "secret and more", "prompt": "typo"} for i in range(3)]
    (second / "generations.jsonl").write_text("".join(json.dumps(row) + "\n" for row in made))
    found = of_runs("t", [(one.name, read_run(str(one))) for one in (first, second)], 0, {})
    rows = {row.index: row.answers for row in found.rows}
    assert [[a and a.score for a in rows[i]] for i in range(3)] == [[100.0, 0.0], [0.0, 25.0], [None, 100.0]]
    told = rows[1][1]
    assert told and told.texts == ("[secrets: key] and more",) and told.shown == "typo"
    assert (told.flags[0].start, told.flags[0].end) == (0, len("[secrets: key]"))


def test_a_call_whose_row_lacks_fields_is_shown_as_far_as_it_tells(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a", [2.0])
    steps = [{"asked": [{"role": "user", "content": "6*7?"}], "results": [{"name": "calculator"}]}, {"output": "42"}]
    row = {"item_id": 0, "sample": 0, "output": "42", "steps": steps}
    (run / "generations.jsonl").write_text(json.dumps(row) + "\n")
    [found] = of_runs("t", [(run.name, read_run(str(run)))], 0, {}).rows
    [answer] = found.answers
    assert answer and "calculator" in answer.texts[0] and answer.texts[0].endswith("42")
