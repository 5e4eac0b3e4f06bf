"""`alpacabench bridge`: two judges on the same answers, against figures computed another way."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from tests.helpers.finished_runs import alpacabench, annotation_rows, write_annotations, write_run


def verdicts(n: int = 200) -> tuple[list[float | None], list[float | None]]:
    draw = random.Random(4)
    old = [draw.choice([1.0, 1.0, 2.0, 1.5, 1.2]) for _ in range(n)]
    new = [o if draw.random() < 0.7 else draw.choice([1.0, 2.0, 1.9]) for o in old]
    return [*old, 1.0, None], [*new, None, 2.0]


def counted(old: list[float], new: list[float]) -> tuple[float, float, float]:
    """Return offset, kappa and rank correlation by their definitions."""
    n, sides = len(old), [[(p > 1.5) - (p < 1.5) for p in ps] for ps in (old, new)]
    agreed = sum(a == b for a, b in zip(*sides, strict=True)) / n
    chance = sum(sides[0].count(s) * sides[1].count(s) for s in (-1, 0, 1)) / n**2

    def ranks(values: list[float]) -> list[float]:
        return [sum(v < x for v in values) + (sum(v == x for v in values) + 1) / 2 for x in values]

    correlation = float(np.corrcoef(ranks(old), ranks(new))[0, 1])
    return 100 * (sum(new) - sum(old)) / n, (agreed - chance) / (1 - chance), correlation


def test_figures_equal_those_computed_by_their_definitions(tmp_path: Path) -> None:
    old, new = verdicts()
    runs = write_run(tmp_path / "old", old), write_run(tmp_path / "new", new, {"model_name": "newer"})
    done = alpacabench("bridge", *runs, "--json", "--html", tmp_path / "bridge.html")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    both = [(o, n) for o, n in zip(old, new, strict=True) if o and n]
    one, other = [o for o, _ in both], [n for _, n in both]
    offset, kappa, correlation = counted(one, other)
    assert (found["n"], found["n_left_out"]) == (200, 2)
    assert found["offset"]["value"] == pytest.approx(offset)
    error = 1.96 * np.std([100 * (n - o) for o, n in both], ddof=1) / len(both) ** 0.5
    assert found["offset"]["high"] - found["offset"]["low"] == pytest.approx(2 * error, rel=0.02)
    assert found["kappa"] == pytest.approx(kappa)
    assert found["rank_correlation"] == pytest.approx(correlation)
    line = LinearRegression().fit((np.array(one) - 1)[:, None], np.array(other) - 1)
    for rate, moved in found["table"]:
        assert moved["value"] == pytest.approx(100 * float(line.predict([[rate / 100]])[0]))
        assert moved["low"] <= moved["value"] <= moved["high"]
    assert sum(sum(beside.values()) for beside in found["sides"].values()) == 200
    assert "Convert a win rate" in (tmp_path / "bridge.html").read_text()
    assert "the same 200 answers" in " ".join(alpacabench("bridge", *runs).stdout.split())


def test_other_answers_and_too_few_are_refused(tmp_path: Path) -> None:
    rows = annotation_rows([1.0, 2.0] * 10)
    one = write_annotations(tmp_path / "a.json", rows)
    changed = [row | {"output_2": "another"} if i == 3 else row for i, row in enumerate(rows)]
    for other, told in ((changed, "other answers to 1 prompts"), (rows[:9], "9 prompts have a verdict of both")):
        done = alpacabench("bridge", one, write_annotations(tmp_path / "b.json", other))
        assert done.returncode == 2 and told in done.stderr, done.stderr


def test_a_judge_that_says_one_thing_of_all_gives_no_kappa_and_no_table(tmp_path: Path) -> None:
    one = write_annotations(tmp_path / "a.json", annotation_rows([2.0] * 20))
    found = json.loads(alpacabench("bridge", one, one, "--json").stdout)
    assert (found["kappa"], found["rank_correlation"], found["table"]) == (None, None, [])


def test_judges_of_one_name_are_told_apart_by_their_runs(tmp_path: Path) -> None:
    old, new = verdicts()
    runs = write_run(tmp_path / "old", old), write_run(tmp_path / "new", new)
    found = json.loads(alpacabench("bridge", *runs, "--json").stdout)
    assert found["old"].endswith(f"in {runs[0]}") and found["new"].endswith(f"in {runs[1]}")
    told = "".join(alpacabench("bridge", *runs).stdout.split())
    assert all(f"{found[key]['value']:.1f}" in told for key in ("win_rate_old", "win_rate_new"))
