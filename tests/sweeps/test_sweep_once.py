"""3 decodings x 2 perturbations x 3 judges: every distinct question is asked once, whoever else is asking."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from alpacabench.decoding import Decoding
from alpacabench.model.base import Request
from alpacabench.model.hf import HuggingFace
from alpacabench.sharding import Sharding
from alpacabench.store.ask_once import FLUSH, Reply
from tests.helpers.command import metrics, run
from tests.helpers.fakes.http_server import HttpServer
from tests.helpers.fakes.openai_server import chat_server, made_up
from tests.helpers.sweep_command import children, newest_sweep, runs
from tests.helpers.tiny import build_tiny

PROMPTS = 8
GRID = (
    "-m", "decoding.temperature=0,0.7,1.0", "perturbation=none,typos", "perturbation.strength=0.5",
    "judge=weighted_alpaca_eval_gpt4_turbo,gpt_4_1,gpt_4_1_mini", "subset=stratified", f"subset.n={PROMPTS}",
)  # fmt: skip


class Counting(HuggingFace):
    """Notes who wrote which answer in the file ASKED."""

    def ask(self, requests: list[Request], decoding: Decoding, sharding: Sharding) -> Iterable[Reply]:
        for reply in super().ask(requests, decoding, sharding):
            if reply != FLUSH:
                with Path(os.environ["ASKED"]).open("a") as file:
                    file.write(f"{os.getpid()} {reply.key}\n")
            yield reply


@pytest.fixture
def judges() -> Iterator[HttpServer]:
    """A server for all three judges that is slow enough for jobs to overlap."""
    with chat_server(made_up, latency=0.05) as server:
        yield server


def _judged(server: HttpServer) -> Counter[str]:
    return Counter(json.dumps([r.body["model"], r.body["messages"]]) for r in server.requests)


def _jobs(directory: Path) -> list[dict[str, float]]:
    return [metrics(newest_sweep(directory) / str(number)) for number in range(18)]


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 4])
def test_eighteen_jobs_ask_each_question_once_and_load_the_model_once_per_process(
    tmp_path: Path, judges: HttpServer, processes: int
) -> None:
    model = build_tiny(tmp_path / "tiny", max_position_embeddings=4096)
    command = [
        *GRID, "model=hf", "model._target_=tests.sweeps.test_sweep_once.Counting", f"model.path={model}",
        "decoding.max_new_tokens=16", f"judge.base_url={judges.url}",
    ]  # fmt: skip
    if processes > 1:
        command += ["hydra/launcher=processes", f"hydra.launcher.n_jobs={processes}"]
    settings = {"ASKED": str(tmp_path / "asked"), "OMP_NUM_THREADS": "1"}
    first = run(tmp_path, *command, env=settings, timeout=1800)
    assert first.code == 0, first.text
    written = [line.split() for line in (tmp_path / "asked").read_text().splitlines()]
    writers = {process for process, _ in written}
    assert len(written) == len({key for _, key in written}) == 6 * PROMPTS
    asked = _judged(judges)
    assert len(asked) == asked.total() == 18 * PROMPTS
    found = _jobs(tmp_path)
    assert sum(job["n_generated"] for job in found) == 6 * PROMPTS
    assert sum(job["n_judged"] for job in found) == 18 * PROMPTS
    assert sum(job["model_loads"] for job in found) == len(writers) <= processes
    parents, others = runs(tmp_path)
    assert len(parents) == 1 and len(children(parents[0], others)) == len(others) == 18

    second = run(tmp_path, *command, env=settings, timeout=1800)
    assert second.code == 0, second.text
    assert len((tmp_path / "asked").read_text().splitlines()) == 6 * PROMPTS
    assert _judged(judges) == asked
    assert sum(job["n_generated"] + job["n_judged"] + job["model_loads"] for job in _jobs(tmp_path)) == 0
    again, after = runs(tmp_path)
    assert [r.to_dictionary() for r in again] == [r.to_dictionary() for r in parents]
    assert [r.to_dictionary() for r in after] == [r.to_dictionary() for r in others]
