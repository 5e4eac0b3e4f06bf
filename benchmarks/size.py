"""How processor time and memory grow with the data set: recorded answers, `judge=longest`, everything but traces.

    python benchmarks/size.py --sizes 1000 10000 100000

Each size is a run of its own, in a process of its own, on prompts of 30 and answers of 150 made-up words. The last
columns are the time and the memory by a thousand prompts beyond the smallest size: equal where growth is linear.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
WORDS = [f"word{number}" for number in range(5000)] + ["write", "a", "list", "python", "translate", "the", "of"] * 200


class Used(NamedTuple):
    """What one run took."""

    seconds: float
    """Of the processor."""
    mebibytes: float
    """The most memory that its process held."""


def write_data(folder: Path, size: int) -> tuple[Path, Path]:
    """Write a data set with references, and answers to it; returns both files."""
    draw = random.Random(size)

    def text(words: int) -> str:
        return " ".join(draw.choices(WORDS, k=words))

    prompts = [f"{text(30)} {number}" for number in range(size)]
    data = [{"instruction": prompt, "output": text(150), "generator": "reference"} for prompt in prompts]
    answers = [{"instruction": p, "output": text(draw.randrange(50, 250)), "generator": "model"} for p in prompts]
    files = folder / "data.json", folder / "answers.json"
    for file, rows in zip(files, (data, answers), strict=True):
        file.write_text(json.dumps(rows), encoding="utf-8")
    return files


def run(size: int, tracking: str) -> Used:
    """Run one evaluation of so many prompts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data, answers = write_data(folder, size)
        command = [
            sys.executable, str(ROOT / "run.py"), "dataset=jsonl", f"dataset.path={data}", "model=recorded",
            f"model.path={answers}", "judge=longest", f"tracking={tracking}",
            *(["tracking.traces=0"] if tracking != "none" else []),
        ]  # fmt: skip
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
            _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit((folder / "log").read_text()[-3000:])
    return Used(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000], help="prompts")
    parser.add_argument("--tracking", default="mlflow", help="an option of the tracking group")
    options = parser.parse_args()
    print("| prompts | processor seconds | peak MiB | seconds a thousand more | MiB a thousand more |")
    print("|---|---|---|---|---|")
    first: tuple[int, Used] | None = None
    for size in sorted(options.sizes):
        used = run(size, options.tracking)
        first = first or (size, used)
        more = (size - first[0]) / 1000
        each = [f"{(now - then) / more:.3f}" if more else "" for now, then in zip(used, first[1], strict=True)]
        print(f"| {size:,} | {used.seconds:.1f} | {used.mebibytes:.0f} | {' | '.join(each)} |", flush=True)


if __name__ == "__main__":
    main()
