"""Writing and judging on a CPU in float32: packed weights and prompts read in common, against neither, interleaved.

    python benchmarks/kernels.py --data ../shared/alpaca_eval

The same model is loaded twice: once as it is loaded for a run, once with torch's own products and every judge prompt
read whole. Both write the same greedy answers and weigh the same pairs in both orders, by turns; texts must be equal
and verdicts equal to 1e-4. Processor seconds depend less than wall seconds on who else uses the machine.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import exp
from pathlib import Path
from typing import Any

from alpacabench.core.records import digest
from alpacabench.inference.spec import ChatFormat, Choice, DecodeSpec, ModelSpec, Task
from alpacabench.judge.local import LocalJudge
from alpacabench.judge.template import load_template, render

FORM = ChatFormat()
REFERENCE, MODEL = "gpt4_1106_preview", "alpaca-7b"


@dataclass
class Contestant:
    """A loaded model, and what its best turns took."""

    name: str
    engine: Any
    wall: dict[str, float]
    processor: dict[str, float]

    def take_turn(self, task: str, work: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Do the work once; return what came of it by key."""
        wall, processor = time.monotonic(), time.process_time()
        found = work(self.engine)
        wall, processor = time.monotonic() - wall, time.process_time() - processor
        print(f"{self.name} {task}: {wall:.1f} s, processor {processor:.1f} s", flush=True)
        self.wall[task] = min(wall, self.wall.get(task, wall))
        self.processor[task] = min(processor, self.processor.get(task, processor))
        return found


def contestants() -> list[Contestant]:
    """Load the bundled model with torch's own products and whole prompts, and as it is loaded for a run."""
    from alpacabench.inference.cpu import packed
    from alpacabench.inference.engine import Engine
    from alpacabench.inference.loading import load
    from alpacabench.inference.weights.bundled import bundled_dir

    spec, chosen = ModelSpec(str(bundled_dir()), device="cpu"), packed.faster
    packed.faster = lambda layers: (False, False)
    plain = load(spec)
    plain.shares_prefixes = False
    packed.faster = chosen
    return [Contestant(name, Engine(loaded), {}, {}) for name, loaded in (("before", plain), ("now", load(spec)))]


def questions(data: Path, count: int) -> tuple[list[Task], list[Choice]]:
    """Return prompts to answer, and pairs to judge in both orders, evenly spaced in the data."""
    reference, model = (
        json.loads(gzip.decompress((data / f"{name}.outputs.json.gz").read_bytes())) for name in (REFERENCE, MODEL)
    )
    judge = LocalJudge.model_fields
    template, most = load_template(judge["template"].default), judge["max_answer_chars"].default
    tasks, choices = [], []
    for i in range(count):
        row = i * len(reference) // count
        instruction, texts = reference[row]["instruction"], [rows[row]["output"][:most] for rows in (reference, model)]
        tasks.append(Task(digest(f"answer {i}"), (("user", instruction),)))
        for order in (texts, texts[::-1]):
            messages = tuple((m["role"], m["content"]) for m in render(template, instruction, *order))
            choices.append(Choice(digest(f"pair {i} {order[0]}"), messages, judge["tokens"].default))
    return tasks, choices


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the AlpacaEval outputs")
    parser.add_argument("--n", type=int, default=32, help="prompts, and pairs")
    parser.add_argument("--tokens", type=int, default=48, help="most tokens of an answer")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    tasks, choices = questions(options.data, options.n)
    spec = DecodeSpec(options.tokens)
    both = contestants()
    works: dict[str, Callable[[Any], dict[str, Any]]] = {
        "writing": lambda engine: {a.key: a.text for a in engine.generate(tasks, spec, FORM)},
        "judging": lambda engine: {
            a.key: 1 / (1 + exp(a.logprobs[0] - a.logprobs[1])) for a in engine.choose(choices, FORM)
        },
    }
    for task, work in works.items():
        for turn in range(options.rounds):
            order = both if turn % 2 == 0 else both[::-1]
            found = {contestant.name: contestant.take_turn(task, work) for contestant in order}
        plain, now = both
        ratios = (
            f"{plain.wall[task] / now.wall[task]:.2f} x, processor {plain.processor[task] / now.processor[task]:.2f} x"
        )
        print(f"{task}: {ratios}; {compared(found['before'], found['now'])}")


def compared(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Return how far two results differ: texts as a count, verdicts as the largest distance of probabilities."""
    if all(isinstance(value, str) for value in before.values()):
        return f"{sum(before[key] == now[key] for key in before)} of {len(before)} texts equal"
    return f"verdicts equal to {max(abs(before[key] - now[key]) for key in before):.1e}"


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    main()
