"""What is killed, and what must be true afterwards."""

from __future__ import annotations

import csv
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alpacabench.cost.price import price_of
from tests.helpers.chaos.process import Command, Kills, held, kill_until_done
from tests.helpers.command import ROOT
from tests.helpers.fakes.http_server import Faults, HttpServer
from tests.helpers.fakes.openai_server import chat_server, made_up
from tests.helpers.tiny import build_tiny

STORM = Faults(refused=0.2, server_error=0.05, dropped=0.03, garbage=0.02)
CONCURRENCY = 4
DAY = 86_400.0
STORE = Path("outputs/store.db")
FIRST = 1
"""The question that a judge's server is asked before all others, once."""


@dataclass
class Result:
    """One row of the table; `paid_again` may be as many as were in flight when the kills came, and no more."""

    scene: str
    kills: int = 0
    answers: int = 0
    lost: int = 0
    paid_again: int = 0
    in_flight: int = 0
    orphans: int = 0
    wrong: int = 0
    tracebacks: int = 0

    @property
    def right(self) -> bool:
        """Whether all that is promised held."""
        faults = self.lost + self.orphans + self.wrong + self.tracebacks
        return faults == 0 and self.paid_again <= self.in_flight


@contextmanager
def judge(
    latency: float = 0.05, faults: Faults | None = STORM, tokens: int = 1
) -> Iterator[tuple[HttpServer, list[Any]]]:
    """Serve verdicts, always the same for the same prompt; yields the server and the bodies that it billed."""
    billed: list[Any] = []

    def answer(body: dict[str, Any]) -> Any:
        billed.append(body)
        return made_up(body)

    with chat_server(answer, tokens=lambda text: tokens * len(text), latency=latency, faults=faults) as server:
        yield server, billed


def asking(server: HttpServer, number: int) -> list[str]:
    return [
        "model=echo", "subset=head", f"subset.n={number}", "judge=gpt_4_1_mini", f"judge.base_url={server.url}",
        f"judge.concurrency={CONCURRENCY}", "scoring.bootstrap=100", "tracking=none",
    ]  # fmt: skip


def repeated(
    scene: str, place: Path, kills: Kills, seed: int, overrides: list[str], number: Callable[[Path], object],
    in_flight: int = 0, billed: list[Any] | None = None, kind: str = "verdict",
) -> Result:  # fmt: skip
    """Kill a command again and again in one directory after the other; each is compared with one that was left alone.

    Args:
        scene: its name.
        place: where the directories are made.
        kills: how many kills in all, and until when.
        seed: of the random moments.
        overrides: of the command.
        number: reads what must be equal from a finished directory.
        in_flight: the most requests in flight at once.
        billed: what the server billed so far; None where nothing is paid.
        kind: which answers are counted.

    """
    result, chance = Result(scene), random.Random(seed)
    left_alone = Command(place / "alone", overrides)
    started = time.monotonic()
    assert left_alone.finish() == 0, left_alone.log.read_text()
    seconds, truth, count = time.monotonic() - started, number(left_alone.directory), 0
    expected = held(left_alone.directory / STORE, kind)
    while kills.more(result.kills):
        count += 1
        command = Command(place / str(count), overrides)
        before = len(billed or ())
        began = time.monotonic()
        killed, code = kill_until_done(command, kills.rest(result.kills), seconds, chance)
        # The machine may have become less busy: a moment after the end of a command kills nothing.
        seconds = seconds if killed else min(seconds, time.monotonic() - began)
        result.wrong += int(code != 0 or number(command.directory) != truth)
        stored = held(command.directory / STORE, kind)
        result.kills += killed
        result.answers += stored
        result.lost += max(0, expected - stored)
        result.in_flight += killed * in_flight
        result.paid_again += max(0, len(billed or ()) - before - stored) if billed is not None else 0
        result.orphans += command.orphans
        result.tracebacks += command.tracebacks
    return result


def win_rate(directory: Path) -> object:
    return json.loads((directory / "run" / "metrics.json").read_text())["win_rate"]


def judging(place: Path, kills: Kills) -> Result:
    with judge() as (server, billed):
        command = [*asking(server, 40), "hydra.run.dir=run"]
        title = "judging, in a storm of 429 and 500"
        return repeated(title, place, kills, 1, command, win_rate, CONCURRENCY, billed)


def generation(place: Path, kills: Kills) -> Result:
    model = build_tiny(place / "tiny", max_position_embeddings=4096)
    command = [
        "model=hf", f"model.path={model}", "judge=longest", "tracking=none", "subset=head", "subset.n=12",
        "decoding=sampling", "decoding.max_new_tokens=40", "sharding=data_parallel", "sharding.num_processes=2",
        "sharding.batch_size=2", "hydra.run.dir=run",
    ]  # fmt: skip

    def texts(directory: Path) -> object:
        return (directory / "run" / "model_outputs.json").read_bytes()

    return repeated("generation by two local workers", place, kills, 2, command, texts, kind="generation")


def sweep(place: Path, kills: Kills) -> Result:
    def table(directory: Path) -> object:
        with (directory / "sweep" / "sweep.csv").open(encoding="utf-8") as file:
            return [row["win_rate"] for row in csv.DictReader(file)]

    with judge() as (server, billed):
        command = [
            "-m", *asking(server, 24), "judge.seed=0,1,2", "hydra/launcher=processes", "hydra.launcher.n_jobs=2",
            "hydra.sweep.dir=sweep",
        ]  # fmt: skip
        title = "a sweep of three jobs under joblib"
        return repeated(title, place, kills, 3, command, table, 2 * CONCURRENCY, billed)


def tracking(place: Path, kills: Kills) -> Result:
    def runs(directory: Path) -> object:
        synced = subprocess.run(
            [sys.executable, "-m", "alpacabench.cli", "sync"],
            cwd=directory, capture_output=True, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        with closing(sqlite3.connect(directory / "outputs" / "mlflow.db")) as database:
            # Distinct: what was killed after its run was finished there counts as finished, and is logged anew.
            found = database.execute("select distinct status from runs").fetchall()
            values = database.execute("select distinct value from latest_metrics where key = 'win_rate'").fetchall()
        return synced.returncode, found, values

    command = ["model=echo", "judge=longest", "subset=head", "subset.n=20", "hydra.run.dir=run"]
    return repeated("MLflow logging, then sync", place, kills, 4, command, runs)


def budget(place: Path, kills: Kills) -> Result:
    """Four jobs at once, a server that bills ten times a request's length, and kills: the cap holds."""
    cap, price, result = 0.5, price_of("gpt-4.1-mini"), Result("a cap of $0.50, bills ten times the estimate")
    assert price is not None
    with judge(faults=None, tokens=10) as (server, billed):
        command = Command(place / "budget", [
            "-m", *asking(server, 90), "judge.seed=0,1,2,3", "hydra/launcher=processes", "hydra.launcher.n_jobs=4",
            "hydra.sweep.dir=sweep", f"budget.usd={cap}",
        ])  # fmt: skip
        result.kills, _ = kill_until_done(command, kills, 20.0, random.Random(5))
        dollars = sum(price.cost(sum(10 * len(m["content"]) for m in body["messages"]), 10) for body in billed)
    result.answers, result.orphans = held(command.directory / STORE), command.orphans
    result.wrong = int(dollars > cap or not billed)
    print(f"the server billed ${dollars:.4f} of ${cap}", flush=True)
    return result


def clocks(place: Path, kills: Kills) -> Result:
    """Two processes at one store, one an hour behind and one a day ahead, ask each question once."""
    result = Result("clocks an hour behind and a day ahead, at once")
    with judge(faults=None) as (server, billed):
        place.mkdir(parents=True, exist_ok=True)
        shared = [*asking(server, 60), f"store.url=sqlite:///{place}/store.db", "hydra.run.dir=run"]
        commands = [Command(place / "behind", shared, -3600.0), Command(place / "ahead", shared, DAY)]
        codes = [process.wait() for process in [command.start() for command in commands]]
        result.answers = held(place / "store.db")
        result.paid_again = max(0, len(billed) - 60 - FIRST)
    result.wrong = int(any(codes) or win_rate(commands[0].directory) != win_rate(commands[1].directory))
    return result


def full_disk(place: Path, kills: Kills) -> Result:
    """A disk that fills up while the run pays: one message, and after there is room the rest is asked."""
    result, disk = Result("a disk that fills up (tmpfs)"), place / "disk"
    disk.mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", disk], check=False).returncode:
        result.scene += ": not tried, mounting is not allowed here"
        return result
    try:
        with judge(faults=None) as (server, billed):
            command = Command(
                place / "run", [*asking(server, 90), f"store.url=sqlite:///{disk}/s.db", "hydra.run.dir=run"]
            )
            first = command.finish()
            subprocess.run(["mount", "-o", "remount,size=50m", disk], check=True)
            result.wrong = int(first != 1 or command.finish() != 0)
            result.answers, result.in_flight = held(disk / "s.db"), CONCURRENCY
            result.lost = max(0, 90 + FIRST - result.answers)
            result.paid_again, result.tracebacks = len(billed) - 90 - FIRST, command.tracebacks
    finally:
        subprocess.run(["umount", disk], check=False)
    return result


SCENES: dict[Callable[[Path, Kills], Result], float] = {
    judging: 0.42, sweep: 0.16, tracking: 0.16, generation: 0.12, budget: 0.14, clocks: 0.0, full_disk: 0.0
}  # fmt: skip
"""Each with its share of the kills."""
