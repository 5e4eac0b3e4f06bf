"""One sweep on two machines that share a store on PostgreSQL: what one process finds, each question asked once."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.helpers.command import Outcome, metrics, run
from tests.helpers.fakes.http_server import HttpServer
from tests.helpers.fakes.openai_server import chat_server, made_up, questions

pytestmark = pytest.mark.cluster
HOSTS = ("alpha", "beta")
PROMPTS = 16
JOBS = 6
FILES = ("model_outputs.json", "annotations.json")
SHARED = ("n_generated", "completion_tokens", "judge_completion_tokens")
"""Of the jobs of all machines together, what those of one process alone have."""


def _sweep(place: Path, server: HttpServer, *more: str, within: tuple[str, ...] = ()) -> Outcome:
    place.mkdir()
    return run(
        place, "-m", "model=openai_compatible", "model.path=any", f"model.base_url={server.url}", "judge=gpt_4_1",
        f"judge.base_url={server.url}", "decoding.temperature=0,0.5,1", "perturbation=none,typos", "subset=head",
        f"subset.n={PROMPTS}", "tracking=none", "hydra.sweep.dir=out", *more, within=within,
    )  # fmt: skip


def _on(host: str) -> tuple[str, ...]:
    """Return what runs a command under a host name of its own."""
    return ("unshare", "--uts", "sh", "-c", f'hostname {host} && exec "$@"', "sh")


@pytest.mark.parametrize("schedule", ["together", "one_by_one"])
def test_two_machines_find_what_one_process_finds(postgres: str, tmp_path: Path, schedule: str) -> None:
    if os.geteuid() or not shutil.which("unshare"):
        pytest.skip("a host name of one's own needs root and unshare")
    with chat_server(made_up) as server:
        alone = _sweep(tmp_path / "alone", server)
        assert alone.code == 0, alone.text
        expected = questions(server)
    with chat_server(made_up, latency=0.05) as server, ThreadPoolExecutor() as pool:
        started = [
            pool.submit(
                _sweep, tmp_path / host, server, f"store.url={postgres}", f"schedule={schedule}", within=_on(host)
            )
            for host in HOSTS
        ]
        for done in (one.result() for one in started):
            assert done.code == 0, done.text
        assert questions(server) == expected and set(expected.values()) == {1}
    for job in map(str, range(JOBS)):
        ours = tmp_path / "alone" / "out" / job
        for host in HOSTS:
            theirs = tmp_path / host / "out" / job
            assert [(theirs / name).read_bytes() for name in FILES] == [(ours / name).read_bytes() for name in FILES]
            assert metrics(theirs)["win_rate"] == metrics(ours)["win_rate"]
    for name in SHARED:
        here = sum(metrics(tmp_path / "alone" / "out" / str(job))[name] for job in range(JOBS))
        there = sum(metrics(tmp_path / host / "out" / str(job))[name] for host in HOSTS for job in range(JOBS))
        assert there == here, name
