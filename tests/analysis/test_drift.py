"""`alpacabench drift`: a judge that changed is told from one that did not, and from one that cannot be asked."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpacabench.analysis.drift.change import change
from tests.helpers.fakes.http_server import HttpServer, Request, Response, error
from tests.helpers.fakes.openai_server import choice_of
from tests.helpers.finished_runs import alpacabench, annotation_rows, write_annotations

ALPHA, ROUNDS = 0.05, 200


def noisy(chances: np.ndarray, repeats: int, rng: np.random.Generator) -> np.ndarray:
    return 1.0 + (rng.random((len(chances), repeats)) < chances[:, None])


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.5])
def test_a_judge_that_did_not_change_alarms_at_most_at_alpha(noise: float) -> None:
    rng = np.random.default_rng(7)
    alarms = 0
    for _ in range(ROUNDS):
        chances = np.where(rng.random(60) < 0.5, noise, 1 - noise)
        alarms += change(noisy(chances, 4, rng), noisy(chances, 2, rng), draws=299).p <= ALPHA
    # Two standard errors of a share of alpha in 200 rounds.
    assert alarms <= ROUNDS * ALPHA + 2 * (ROUNDS * ALPHA * (1 - ALPHA)) ** 0.5


@pytest.mark.parametrize(("kinder", "turned"), [(0.25, 0.0), (0.0, 0.2)], ids=["kinder", "other verdicts, same rate"])
def test_a_planted_change_on_60_anchors_alarms(kinder: float, turned: float) -> None:
    rng, found = np.random.default_rng(5), 0
    for _ in range(40):
        before = np.where(rng.random(60) < 0.5, 0.05, 0.95)
        after = np.minimum(1.0, before + kinder * (before < 0.5))
        flipped = rng.random(60) < turned
        after = np.where(flipped, 1 - after, after)
        found += change(noisy(before, 4, rng), noisy(after, 2, rng), draws=299).p <= ALPHA
    assert found >= 36


def test_the_p_value_is_that_of_the_enumerated_exchanges() -> None:
    """A judge that always says the same, and turned on k pairs: each has its two new verdicts together with 1/15."""
    then, now = np.ones((12, 4)), np.ones((12, 2))
    now[:2] = 2.0
    found = change(then, now)
    assert found.p_distance == pytest.approx(1 / 15**2, abs=0.0015)
    assert (found.n_turned, found.shift.value) == (2, pytest.approx(100 * 2 / 12))


class Judge:
    """A server whose judge prefers by a rule, with some noise."""

    def __init__(self) -> None:
        self.longer, self.down, self.fingerprint, self.draw = False, False, "fp_1", random.Random(3)

    def __call__(self, request: Request) -> Response:
        if self.down:
            return error(500, "gone")
        text = "".join(m["content"] for m in request.body["messages"])
        first = text.find("answer ") < text.find("reference ") if self.longer else hash_of(text) < 0.5
        prefers_first = first != (self.draw.random() < 0.05)
        choice, usage = choice_of(1.0 if prefers_first else 2.0), {"prompt_tokens": 9, "completion_tokens": 1}
        said = {"model": "judge-1", "system_fingerprint": self.fingerprint}
        return Response(said | {"choices": [choice], "usage": usage})


def hash_of(text: str) -> float:
    return random.Random(text).random()


def drift(anchors: Path, url: str, *more: str) -> tuple[int, dict[str, Any]]:
    words = ("judge=gpt_4_1", f"judge.base_url={url}", "judge.timeout=5")
    done = alpacabench("drift", *words, "--anchors", anchors, "--json", *more, OPENAI_API_KEY="sk-none")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_baseline_no_change_a_planted_change_and_a_dead_server(tmp_path: Path) -> None:
    anchors = write_annotations(tmp_path / "annotations.json", annotation_rows([1.0] * 60))
    judge = Judge()
    with HttpServer(judge) as server:
        code, found = drift(anchors, server.url)
        assert (code, found["verdict"], len(server.requests)) == (0, "baseline", 240)
        code, found = drift(anchors, server.url)
        assert (code, found["verdict"], len(server.requests)) == (0, "unchanged", 360)
        assert found["now"]["served"] == {"model": {"judge-1": 120}, "system_fingerprint": {"fp_1": 120}}
        judge.longer, judge.fingerprint = True, "fp_2"
        code, found = drift(anchors, server.url)
        assert (code, found["verdict"]) == (3, "changed")
        assert "fp_2" in found["notes"][0]
        url = server.url
    code, found = drift(anchors, url)
    assert (code, found["verdict"]) == (4, "unknown")
    record = json.loads(Path(found["record"]).read_text())
    assert [row["verdict"] for row in record["checks"]] == ["unchanged", "changed"]
    page = Path(found["record"]).with_suffix(".html").read_text()
    assert "has changed since its baseline" in page and "fp_2" in page


def test_what_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    few = write_annotations(tmp_path / "few.json", annotation_rows([1.0] * 5))
    done = alpacabench("drift", "judge=longest", "--anchors", few)
    assert done.returncode == 2 and "at least 10 pairs" in done.stderr
    recorded = ("judge=recorded", f"judge.path={few}")
    done = alpacabench(
        "drift", *recorded, "--anchors", write_annotations(tmp_path / "a.json", annotation_rows([1.0] * 20))
    )
    assert done.returncode == 2 and "judges anew" in done.stderr, done.stderr
