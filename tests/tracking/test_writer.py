"""Prompts that a model writes and checks, through the real command and a server: asked once, resumed, budgeted."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.command import ROOT, run, succeed
from tests.helpers.fakes.http_server import HttpServer
from tests.helpers.sweep_command import newest_sweep, runs
from tests.helpers.writer_server import is_check, writer_server

DEMO = ROOT / "alpacabench" / "dataset" / "demo.jsonl"
N = 12
WRITES = ("perturbation=paraphrase", "model@perturbation.writer=openai_compatible", "perturbation.writer.path=w")
BASE = ("model=echo", "judge=longest", "tracking=none", "subset=head", f"subset.n={N}")


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with writer_server() as one:
        yield one


def writer(server: HttpServer) -> tuple[str, ...]:
    return (*WRITES, f"perturbation.writer.base_url={server.url}")


def checker(server: HttpServer) -> tuple[str, ...]:
    return (
        "model@perturbation.checker=openai_compatible", "perturbation.checker.path=c",
        f"perturbation.checker.base_url={server.url}",
    )  # fmt: skip


def rows(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / "run" / "generations.jsonl").read_text().splitlines()]


def test_a_written_prompt_is_asked_for_once_by_all_runs_and_the_plan_shows_it(
    server: HttpServer, tmp_path: Path
) -> None:
    plan = run(tmp_path, *BASE, *writer(server), "plan=true")
    assert plan.code == 0 and f"│ variants │ w       │       {N} │" in plan.stdout, plan.text
    assert not server.requests
    first = succeed(tmp_path, *BASE, *writer(server))
    assert len(server.requests) == N == first["n_written"]
    assert first["writer_completion_tokens"] > 0
    for row in rows(tmp_path):
        assert row["prompt"].startswith("Please, ") and row["same_task"] and row["n_edits"] == 1
    other = succeed(tmp_path, *BASE, *writer(server), "decoding=sampling")
    assert (other["n_written"], other["n_written_cached"], other["n_generated"]) == (0, N, N)
    assert len(server.requests) == N


@pytest.mark.parametrize(
    "change", ["perturbation.seed=1", "perturbation.writer.path=v", "perturbation.prompt='Say: {instruction}'"]
)
def test_another_seed_writer_or_prompt_is_another_question(change: str, server: HttpServer, tmp_path: Path) -> None:
    for more in ((), (change,)):
        succeed(tmp_path, *BASE, *writer(server), *more)
    assert len(server.requests) == 2 * N


def test_the_unchanged_prompts_and_their_paraphrases_are_one_sweep(server: HttpServer, tmp_path: Path) -> None:
    done = run(tmp_path, "-m", *BASE, *("perturbation=none,paraphrase", *writer(server)[1:]))
    assert done.code == 0, done.text
    prompts = [
        [json.loads(line)["prompt"] for line in (newest_sweep(tmp_path) / job / "generations.jsonl").open()]
        for job in "01"
    ]
    assert prompts[1] == [f"Please, {prompt}" for prompt in prompts[0]]
    assert len(server.requests) == N


def test_the_input_of_a_task_is_not_shown_to_the_writer_and_stays(server: HttpServer, tmp_path: Path) -> None:
    text = "Correct the spelling.\n\nThe wether is lovly."
    (tmp_path / "p.jsonl").write_text(json.dumps({"instruction": text, "output": "x"}) + "\n")
    succeed(tmp_path, *BASE[:3], "dataset=jsonl", "dataset.path=p.jsonl", *writer(server))
    (row,) = rows(tmp_path)
    assert row["prompt"] == "Please, Correct the spelling.\n\nThe wether is lovly."
    assert "wether" not in server.requests[0].data.decode()


def test_the_checker_is_asked_in_both_directions_and_what_it_rejects_does_not_count(
    server: HttpServer, tmp_path: Path
) -> None:
    texts = [f"Name {n} birds." for n in range(2, 12)] + ["Explain this code.", "Explain that code."]
    lines = [json.dumps({"instruction": text, "output": "x"}) for text in texts]
    (tmp_path / "p.jsonl").write_text("\n".join(lines))
    variants = tmp_path / "mine" / "variant"
    variants.mkdir(parents=True)
    (variants / "paraphrase.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /perturbation: paraphrase\n"
        "  - override /model@perturbation.writer: openai_compatible\n"
        "  - override /model@perturbation.checker: openai_compatible\n"
        "variant: paraphrase\nperturbation:\n"
        f"  writer: {{path: w, base_url: '{server.url}'}}\n  checker: {{path: c, base_url: '{server.url}'}}\n"
    )
    grid = ("-m", "--config-dir", str(variants.parent), "variant=base,paraphrase,floor_1,floor_2", "decoding=sampling")
    done = run(tmp_path, *grid, *BASE[:3], "dataset=jsonl", "dataset.path=p.jsonl")
    assert done.code == 0, done.text
    assert "2 of 12 variants are rejected" in done.text
    asked = [is_check(request.body) for request in server.requests]
    assert (asked.count(False), asked.count(True)) == (12, 24)
    found = json.loads((newest_sweep(tmp_path) / "ablation.json").read_text())
    (row,) = [row for family in found["families"] for row in family["rows"]]
    assert (row["name"], row["kind"], row["n"], row["n_rejected"]) == ("paraphrase", "robustness", 10, 2)
    assert {one["index"] for one in found["rejected"]} == {10, 11}
    assert found["rejected"][0]["text"] == "Please, never mind the code"
    (reason, _) = found["rejected"][0]["reasons"]
    assert "the checker holds that an answer to" in reason
    assert reason in (newest_sweep(tmp_path) / "ablation.html").read_text()


def _held(store: Path) -> int:
    if not store.exists():
        return 0
    try:
        with sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=30) as connection:
            return int(connection.execute("select count(*) from answers").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def test_kill_9_while_writing_loses_only_what_was_in_flight(tmp_path: Path) -> None:
    with writer_server(latency=0.4) as server:
        command = (*BASE, *writer(server), *checker(server), "perturbation.writer.concurrency=2")
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "run.py"), *command],
            cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + 120
        while _held(tmp_path / "outputs" / "store.db") < 3:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        held = _held(tmp_path / "outputs" / "store.db")
        assert 3 <= held < N, "the kill came too late to prove anything"
        resumed = succeed(tmp_path, *command)
        assert (resumed["n_written"], resumed["n_written_cached"]) == (3 * N - held, held)
        # Of what was in flight when it died, each is asked for at most twice.
        assert len(server.requests) <= 3 * N + 2 * 2


def test_writing_is_paid_for_from_the_budget_of_the_run(server: HttpServer, tmp_path: Path) -> None:
    priced = (*BASE, *WRITES[:1], "model@perturbation.writer=openai", f"perturbation.writer.base_url={server.url}")
    paid = succeed(tmp_path, *priced, "budget.usd=1", "perturbation.decoding.max_new_tokens=64")
    assert 0 < paid["cost_usd"] < 1
    again = succeed(tmp_path, *priced, "budget.usd=1", "perturbation.decoding.max_new_tokens=64")
    assert again["cost_usd"] == 0
    broke = run(tmp_path, *priced, "budget.usd=0.0001", "seed=1")
    assert broke.code == 1 and "budget.usd=0.0001" in broke.stderr and "Traceback" not in broke.stderr


def test_a_writer_that_refuses_is_told_in_one_message(tmp_path: Path) -> None:
    with writer_server(key="secret") as server:
        refused = run(tmp_path, *BASE, *writer(server))
    assert refused.code == 1 and "it needs a key: export OPENAI_API_KEY" in refused.stderr, refused.text
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (WRITES, "perturbation.writer.base_url: missing"),
        (("perturbation=paraphrase", "model@perturbation.writer=openai"),
         "perturbation.writer.base_url: api.openai.com needs a key"),
        (("perturbation=paraphrase", "model@perturbation.writer=echo", "perturbation.path=v.jsonl"),
         "variants come from a file or from a model"),
        (("perturbation=paraphrase", "model@perturbation.writer=echo", "perturbation.prompt=Reword"),
         "perturbation.prompt: given 'Reword'"),
        (("perturbation=paraphrase", "model@perturbation.writer=echo", "perturbation.decoding.n=2",
          "perturbation.decoding.temperature=0"), "n > 1 at temperature 0"),
        (("perturbation=translation", "model@perturbation.writer=echo"), "perturbation.language: missing"),
        (("perturbation=paraphrase", "model@perturbation.writer=echo", "+perturbation.writer.wings=2"),
         "perturbation.writer.wings: unknown key"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_writer_is_told_before_anything_runs(
    overrides: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    refused = run(tmp_path, *BASE, *overrides)
    assert refused.code == 2 and message in refused.stderr, refused.text


def test_a_sweep_over_writers_is_tracked(tmp_path: Path) -> None:
    axis = ("model@perturbation.writer=echo,recorded", "++perturbation.writer.path=w.json")
    examples = [json.loads(line) for line in DEMO.read_text(encoding="utf-8").splitlines()]
    rows = [{"instruction": row["instruction"], "output": f"Hello. {row['instruction']}"} for row in examples]
    (tmp_path / "w.json").write_text(json.dumps(rows))
    greedy = ("decoding@perturbation.decoding=greedy",)
    done = run(tmp_path, "-m", *BASE[:2], *BASE[3:], WRITES[0], *axis, *greedy)
    assert done.code == 0, done.text
    _, children = runs(tmp_path)
    assert {run.data.params["model_perturbation.writer"] for run in children} == {"echo", "recorded"}
