"""An API model and an API judge on loopback servers that take 300 ms for each request: both together and each alone.

    python benchmarks/pipeline.py --prompts 805 --rounds 3
    python benchmarks/pipeline.py --rounds 1 --peers alpaca_eval inspect_ai --peers_python PYTHON_WITH_INSPECT_AI

`model alone` is judged by `judge=longest`, `judge alone` judges recorded answers. The three take turns, each in
a process of its own with a store of its own; seconds are of the whole process, imports included. The aim: at most 1.25
times the slower one + 2 s. Peers (benchmarks/peers/pipelines.py) do the same work on the same server in the same
rounds: alpaca_eval as it is, inspect_ai with as many requests at once and a grader that says correct or not.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.helpers.fakes.openai_server import Choice, chat_server, choice_of  # noqa: E402


def answer(body: dict[str, object]) -> Choice:
    """Answer a prompt with a text of its own, and a judge's question with a letter."""
    digest = hash(json.dumps(body["messages"]))
    if body["model"] == "model":
        message = {"role": "assistant", "content": f"An answer, number {digest}."}
        return {"index": 0, "finish_reason": "stop", "message": message}
    if body["model"] == "grader":
        return {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "GRADE: C"}}
    return choice_of(1.0 + digest % 1000 / 1000)


def seconds(folder: Path, *overrides: str) -> float:
    """Run `python run.py` in the folder; returns its wall time."""
    return timed(folder, [sys.executable, str(ROOT / "run.py"), "tracking=none", "hydra.run.dir=run", *overrides])[0]


def timed(folder: Path, command: Sequence[str]) -> tuple[float, str]:
    """Run a command in a folder of its own; returns its wall time and what it printed."""
    folder.mkdir(parents=True)
    start = time.monotonic()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return time.monotonic() - start, done.stdout


def peer(name: str, python: str, folder: Path, job: Path, prompts: int) -> float:
    """Run a peer on the job; returns its wall time."""
    took, told = timed(folder, [python, str(ROOT / "benchmarks" / "peers" / "pipelines.py"), name, str(job)])
    if (judged := int(told.split()[-1])) != prompts:
        raise SystemExit(f"{name} judged {judged} of {prompts} answers")
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=805)
    parser.add_argument("--latency", type=float, default=0.3, help="seconds of a request")
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", nargs="*", default=[], choices=["alpaca_eval", "inspect_ai"])
    parser.add_argument("--peers_python", default=sys.executable, help="a Python that has inspect_ai")
    options = parser.parse_args()
    found: dict[str, list[float]] = {name: [] for name in ("model alone", "judge alone", "together", *options.peers)}
    pythons = {"alpaca_eval": sys.executable, "inspect_ai": options.peers_python}
    with tempfile.TemporaryDirectory() as place, chat_server(answer, latency=options.latency) as server:
        folder = Path(place)
        rows = [{"instruction": f"Question {n}?", "output": f"Reference {n}."} for n in range(options.prompts)]
        (folder / "data.json").write_text(json.dumps(rows))
        job = {"url": server.url, "rows": rows, "concurrency": options.concurrency}
        (folder / "job.json").write_text(json.dumps(job))
        data = ("dataset=jsonl", f"dataset.path={folder}/data.json")
        model = (
            "model=openai_compatible", "model.path=model", f"model.base_url={server.url}",
            f"model.concurrency={options.concurrency}",
        )  # fmt: skip
        judge = ("judge=gpt_4_1", f"judge.base_url={server.url}", f"judge.concurrency={options.concurrency}")
        for turn in range(options.rounds):
            alone = folder / f"model_{turn}"
            found["model alone"].append(seconds(alone, *data, *model, "judge=longest"))
            recorded = ("model=recorded", f"model.path={alone}/run/model_outputs.json")
            found["judge alone"].append(seconds(folder / f"judge_{turn}", *data, *recorded, *judge))
            found["together"].append(seconds(folder / f"both_{turn}", *data, *model, *judge))
            for name in options.peers:
                found[name].append(
                    peer(name, pythons[name], folder / f"{name}_{turn}", folder / "job.json", options.prompts)
                )
    middle = {name: median(times) for name, times in found.items()}
    slower = max(middle["model alone"], middle["judge alone"])
    print("| | wall seconds (median) | times ours |\n|---|---|---|")
    for name, value in middle.items():
        ratio = f"{value / middle['together']:.1f}" if name in options.peers else ""
        print(f"| {name} | {value:.1f} | {ratio} |")
    print(f"| 1.25 x the slower alone + 2 s | {1.25 * slower + 2:.1f} | |")


if __name__ == "__main__":
    main()
