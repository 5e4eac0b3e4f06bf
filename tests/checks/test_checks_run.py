"""Checks in real runs: asked once, counted, compared in a sweep, gated, masked."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from math import comb
from pathlib import Path

import pytest

from alpacabench.checks.answers import check_answers
from alpacabench.checks.base import Check
from alpacabench.core.records import Example, Finding, Generation, Outcome, Prompt
from alpacabench.scoring.violations import failures, violations
from alpacabench.store.store import Store
from tests.helpers.command import run
from tests.helpers.finished_runs import alpacabench

CARD, KEY, MAIL = "4111 1111 1111 1111", "AKIAIOSFODNN7QWERTYZ", "jane.roe@acme-corp.io"
N = 24
BAD = {"clean": {0}, "leaky": {0, 1, 2, 3, 4, 5, 6}}
"""Rows whose answer holds a key, by model."""


def rows(folder: Path) -> Path:
    limits = [{"format": {"max_words": 6}} if i < 10 else None for i in range(N)]
    data = [
        {"instruction": f"Prompt {i}, from {MAIL}" if i == 1 else f"Prompt {i}", "output": "a reference " * (i % 3 + 1)}
        | ({"checks": limit} if limit else {})
        for i, limit in enumerate(limits)
    ]
    path = folder / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in data), encoding="utf-8")
    for model, bad in BAD.items():
        answers = [
            {
                "instruction": row["instruction"],
                "output": f"the key is {KEY} and card {CARD} thanks" if i in bad else f"a short answer {i}",
                "generator": model,
            }
            for i, row in enumerate(data)
        ]
        (folder / f"{model}.json").write_text(json.dumps(answers), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("checks")


@pytest.fixture(scope="module")
def sweep(folder: Path) -> Iterator[Path]:
    data = rows(folder)
    overrides = [
        "dataset=jsonl", f"dataset.path={data}", "model=recorded", "judge=longest", "checks=[format,secrets,privacy]",
    ]  # fmt: skip
    done = run(
        folder, "-m", *overrides, f"model.path={folder}/clean.json,{folder}/leaky.json", "tracking=none",
        f"hydra.sweep.dir={folder}/sweep",
    )  # fmt: skip
    assert done.code == 0, done.text
    yield folder / "sweep"


def mcnemar(more: int, fewer: int) -> float:
    n, least = more + fewer, min(more, fewer)
    return min(1.0, 2 * sum(comb(n, i) for i in range(least + 1)) / 2**n) if n else 1.0


def test_the_paired_difference_and_its_exact_p(sweep: Path) -> None:
    with (sweep / "sweep.csv").open(encoding="utf-8") as file:
        base, other = csv.DictReader(file)
    assert float(base["violation_rate/secrets"]) == pytest.approx(100 / N)
    assert base["delta_violation_rate/secrets"] == ""
    assert float(other["violation_rate/secrets"]) == pytest.approx(700 / N)
    assert float(other["delta_violation_rate/secrets"]) == pytest.approx(600 / N)
    assert float(other["delta_violation_rate_p/secrets"]) == pytest.approx(mcnemar(6, 0))
    assert int(other["n_checked/format"]) == 10
    assert float(other["delta_violation_rate_p/format"]) == pytest.approx(mcnemar(6, 0))
    assert float(other["delta_violation_rate_p_holm/secrets"]) == pytest.approx(min(1, 3 * mcnemar(6, 0)))


def test_pages_mask_what_must_not_be_shown(sweep: Path) -> None:
    page = (sweep / "1" / "report.html").read_text(encoding="utf-8")
    assert "[secrets: aws_access_key]" in page and KEY not in page and CARD not in page
    assert "McNemar" in (sweep / "sweep.html").read_text(encoding="utf-8")


def test_the_gate_blocks_above_the_limit_and_not_at_it(sweep: Path, tmp_path: Path) -> None:
    pair = ("gate", sweep / "1", "--base", sweep / "0", "--margin", 99)
    at, above = 100 * 7 / N + 1e-12, 100 * 7 / N - 0.1
    assert alpacabench(*pair, "--max-violations", f"secrets={at}").returncode == 0
    summary = tmp_path / "summary.md"
    found = alpacabench(*pair, "--max-violations", f"secrets={above}", "--markdown", summary, "--json")
    assert found.returncode == 3, found.stderr
    decision = json.loads(found.stdout)
    assert decision["verdict"] == "block" and decision["violations"][0]["rate"] == pytest.approx(700 / N)
    assert summary.read_text(encoding="utf-8").startswith("### Block: secrets: 29.17% of 24 prompts violate")
    unknown = alpacabench(*pair, "--max-violations", "secret=1")
    assert unknown.returncode == 2 and "did you mean 'secrets'" in unknown.stderr
    for wrong in ("secrets", "secrets=101", "secrets=nan"):
        assert "NAME=PERCENT" in alpacabench(*pair, "--max-violations", wrong).stderr


def test_masked_files_hold_no_original(folder: Path, sweep: Path) -> None:
    """The store keeps the originals; what is written, tracked and logged holds none of them."""
    where = folder / "masked"
    found = run(
        folder, "dataset=jsonl", f"dataset.path={folder}/data.jsonl", "model=recorded",
        f"model.path={folder}/leaky.json", "judge=longest", "checks=[format,secrets,privacy]",
        "tracking.redact=[privacy,secrets]", f"hydra.run.dir={where}", "tracking.uri=sqlite:///outputs/masked.db",
    )  # fmt: skip
    assert found.code == 0, found.text
    assert json.loads((where / "metrics.json").read_text())["n_redacted"] > 14
    assert json.loads((where / "metrics.json").read_text())["violation_rate/secrets"] == pytest.approx(700 / N)
    files = [path for path in [*where.rglob("*"), folder / "outputs" / "masked.db", *folder.rglob("mlruns/**/*"),
             *folder.rglob("mlartifacts/**/*")] if path.is_file()]  # fmt: skip
    for path in files:
        content = path.read_bytes()
        assert not any(text.encode() in content for text in (CARD, KEY, MAIL)), path
    assert CARD not in found.text and KEY not in found.text
    compared = alpacabench("compare", where, where)
    assert (compared.returncode, MAIL in compared.stdout) == (0, False), compared.stderr


@pytest.mark.parametrize(
    ("limits", "words"),
    [('{"format": {"max_wrods": 5}}', "row 2: checks.format.max_wrods"), ('{"format": 5}', "row 2: 'checks' is")],
)
def test_limits_that_are_none_are_told_with_file_and_row(tmp_path: Path, limits: str, words: str) -> None:
    data = tmp_path / "data.csv"
    with data.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows(
            [["instruction", "output", "checks"], ["a", "b", '{"format": {"max_words": 5}}'], ["c", "d", limits]]
        )
    found = run(tmp_path, "dataset=jsonl", f"dataset.path={data}", "model=echo", "judge=longest", "checks=[format]")
    assert found.code == 2 and "data.csv, row 2" in found.text and words in found.text


class Counted(Check):
    """Finds every `x`; fails on `boom`."""

    def check(self, example: Example, answer: str) -> Iterator[Finding]:
        CALLS.append(answer)
        if answer == "boom":
            raise RuntimeError("no idea")
        yield from (Finding("x", "an x", i, i + 1) for i, letter in enumerate(answer) if letter == "x")


CALLS: list[str] = []


def outcome(index: int, answer: str | None) -> Outcome:
    prompt = Prompt(Example(index, "say", "ref"), "say")
    return Outcome(prompt, (Generation(prompt, answer),), ())


def test_each_distinct_answer_is_checked_once_and_a_failure_is_that_answers_own(tmp_path: Path) -> None:
    outcomes = [outcome(i, text) for i, text in enumerate(["axb", "clean", "axb", "boom", None])]
    with Store(f"sqlite:///{tmp_path}/store.db") as store:
        first = check_answers({"mine": Counted()}, outcomes, store)
        assert sorted(CALLS) == ["axb", "boom", "clean"]
        CALLS.clear()
        second = check_answers({"mine": Counted()}, outcomes, store)
    assert CALLS == ["boom"], "only what failed is checked again"
    figures = violations(second, ["mine"])
    assert (figures["n_checked/mine"], figures["violation_rate/mine"]) == (3, pytest.approx(200 / 3))
    assert "no idea" in failures(first)["mine"] and failures(first)["mine"].startswith("1 answers")
    assert [o.checked[0].findings for o in first] == [o.checked[0].findings for o in second]
