"""A sweep of 3 decodings x 2 perturbations x 3 judges: together, job by job, as separate runs; and a cached job's time.

    python benchmarks/sweep.py --prompts 8 --tokens 32
    python benchmarks/sweep.py --decoding_alone --sizes

The separate runs are the same `python run.py`, each with a store of its own, as scripts have that know nothing of each
other; half of them run before our sweep and half after it, so that a drift of the machine's load cancels. The judges
are three names at a loopback server that counts what it is asked. Processor seconds depend less than wall seconds on
who else uses the machine.

Both schedules run once before and once after the separate runs, in both orders; the better of the two counts for each.
`--seeds 3` makes 54 jobs of the 18. `--decoding_alone` compares the schedules on 18 jobs that differ in decoding alone,
judged by `judge=longest`.

The second table is what one more job of a sweep takes whose answers and verdicts are all in the store, MLflow logging
included and traces excluded, by the number of verdicts in the store: the difference between a sweep of several jobs and
one of a single job. The sizes take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.helpers.fakes.http_server import HttpServer  # noqa: E402
from tests.helpers.fakes.openai_server import chat_server, made_up  # noqa: E402

TEMPERATURES = ("0.0", "0.7", "1.0")
PERTURBATIONS = ("none", "typos")
JUDGES = ("weighted_alpaca_eval_gpt4_turbo", "gpt_4_1", "gpt_4_1_mini")
SCHEDULES = ("together", "one_by_one")
JOBS = 50
"""Of the longer sweep in the second table."""
FILL = """
with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < :missing)
insert into answers (kind, key, payload, created)
select 'verdict', lower(hex(randomblob(32))), :payload, 0 from numbers
"""


@dataclass(frozen=True, order=True)
class Used:
    """Seconds that commands took, those of their processes included."""

    wall: float = 0.0
    cpu: float = 0.0

    def __add__(self, other: Used) -> Used:
        """Return the sum."""
        return Used(self.wall + other.wall, self.cpu + other.cpu)


def run(folder: Path, *overrides: str) -> Used:
    """Run `python run.py` in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with (folder / "log").open("w") as log:
        command = [sys.executable, str(ROOT / "run.py"), *overrides]
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit((folder / "log").read_text()[-3000:])
    return Used(time.monotonic() - start, usage.ru_utime + usage.ru_stime)


def compare(folder: Path, common: Sequence[str], seeds: int) -> dict[str, tuple[float, ...]]:
    """Run the sweep by both schedules, and the separate runs; returns the figures of all three by name."""
    cells = list(product(TEMPERATURES, PERTURBATIONS, JUDGES, map(str, range(seeds))))
    half = len(cells) // 2
    with chat_server(made_up) as ours, chat_server(made_up) as plain, chat_server(made_up) as theirs:

        def separate(numbers: range) -> Used:
            used = Used()
            for number in numbers:
                temperature, perturbation, judge, seed = cells[number]
                choices = [f"decoding.temperature={temperature}", f"perturbation={perturbation}", f"judge={judge}"]
                choices.append(f"decoding.seed={seed}")
                places = [f"judge.base_url={theirs.url}", f"store.url=sqlite:///store_{number}.db"]
                used += run(folder / "separate", *choices, *common, *places)
            return used

        axes = (("decoding.temperature", TEMPERATURES), ("perturbation", PERTURBATIONS), ("judge", JUDGES))
        grid = [f"{key}={','.join(values)}" for key, values in axes] + [f"decoding.seed=range({seeds})"]

        def sweep(schedule: str, turn: int) -> Used:
            place, server = folder / f"{schedule}_{turn}", ours if schedule == "together" else plain
            return run(place, "-m", *grid, *common, f"judge.base_url={server.url}", f"schedule={schedule}")

        swept = {schedule: sweep(schedule, 0) for schedule in SCHEDULES}
        apart = separate(range(half)) + separate(range(half, len(cells)))
        again = {schedule: sweep(schedule, 1) for schedule in reversed(SCHEDULES)}
        servers = {"together": ours, "one_by_one": plain}
        found = [
            figures(folder / f"{name}_0", min(swept[name], again[name]), servers[name], len(cells), sweeps=2)
            for name in SCHEDULES
        ]
        found = [*found, figures(folder / "separate", apart, theirs, len(cells))]
    return {name: tuple(figure[name] for figure in found) for name in found[0]}


def decoding_alone(folder: Path, common: Sequence[str]) -> dict[str, Used]:
    """Run 18 jobs that differ in decoding alone, `judge=longest`, twice by each schedule; return the better by name."""
    grid = ("decoding.temperature=0.3,0.7,1.0", "decoding.seed=range(3)", "decoding.top_p=0.9,1.0", "judge=longest")
    found: dict[str, list[Used]] = {schedule: [] for schedule in SCHEDULES}
    for turn, order in enumerate((SCHEDULES, SCHEDULES[::-1])):
        for schedule in order:
            found[schedule].append(run(folder / f"{schedule}_{turn}", "-m", *grid, *common, f"schedule={schedule}"))
    return {schedule: min(used) for schedule, used in found.items()}


def figures(folder: Path, used: Used, server: HttpServer, cells: int, sweeps: int = 1) -> dict[str, float]:
    """Return what the jobs below a folder did and left behind; so many sweeps asked the server the same."""
    jobs = [json.loads(path.read_text()) for path in folder.glob("outputs/[rs]*/**/metrics.json")]
    assert len(jobs) == cells
    return {
        "model loads": sum(job["model_loads"] for job in jobs),
        "answers written": sum(job["n_generated"] for job in jobs),
        "tokens generated": sum(job["completion_tokens"] for job in jobs),
        "requests to the judges": len(server.requests) / sweeps,
        "KiB sent to the judges": sum(len(request.data) for request in server.requests) / 2**10 / sweeps,
        "MiB on disk": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20,
        "wall seconds": used.wall,
        "processor seconds": used.cpu,
    }


def cached(folder: Path, sizes: Sequence[int], rounds: int) -> dict[int, Used]:
    """Return what one more fully cached job takes by the size of the store, medians over the rounds."""
    found: dict[int, list[Used]] = {size: [] for size in sizes}
    with chat_server(made_up) as server:
        jobs = (
            "-m", "model=echo", "decoding=sampling", f"judge={JUDGES[0]}", f"judge.base_url={server.url}",
            "tracking.traces=0",
        )  # fmt: skip
        one, many = "decoding.seed=0", f"decoding.seed=range({JOBS})"
        run(folder / "first", *jobs, many)
        for size in sizes:
            fill(folder / "first" / "outputs" / "store.db", folder / f"{size}.db", size)
        asked = len(server.requests)
        for turn in range(rounds):
            for size in sizes:
                store = f"store.url=sqlite:///{folder}/{size}.db"
                # An MLflow database of its own each time: a sweep that is known as finished logs nothing.
                short, long = (run(folder / f"{size}_{turn}_{grid}", *jobs, grid, store) for grid in (one, many))
                more = Used((long.wall - short.wall) / (JOBS - 1), (long.cpu - short.cpu) / (JOBS - 1))
                found[size].append(more)
                print(f"round {turn}, {size} verdicts: {more}", file=sys.stderr)
        assert len(server.requests) == asked, "a job was not fully cached"
    return {s: Used(median(u.wall for u in used), median(u.cpu for u in used)) for s, used in found.items()}


def fill(source: Path, target: Path, size: int) -> None:
    """Copy a store and add verdicts of its own kind under other keys, up to a size."""
    connection = sqlite3.connect(target)
    with sqlite3.connect(source) as held_store:
        held_store.backup(connection)
    connection.execute("pragma journal_mode=off")
    held, payload = connection.execute("select count(*), max(payload) from answers where kind = 'verdict'").fetchone()
    if held < size:
        connection.execute(FILL, {"missing": size - held, "payload": payload})
    connection.commit()
    connection.close()


def tables(compared: dict[str, tuple[float, ...]], grown: dict[int, Used]) -> str:
    """Return both tables as Markdown."""
    lines = ["| | together | one_by_one | ratio | separate runs | ratio |", "|---|---|---|---|---|---|"]
    for name, (ours, plain, theirs) in compared.items():
        ratios = (f"{other:,.6g} | {other / ours:.1f}" for other in (plain, theirs))
        lines.append(f"| {name} | {ours:,.6g} | {' | '.join(ratios)} |")
    lines += ["", "| verdicts in the store | seconds for one more cached job | processor seconds |", "|---|---|---|"]
    lines += [f"| {size:,} | {used.wall:.2f} | {used.cpu:.2f} |" for size, used in grown.items()]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2_135m", help="an option of the model group")
    parser.add_argument("--prompts", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=32, help="most tokens of an answer")
    parser.add_argument("--sizes", type=int, nargs="*", default=[10**3, 10**4, 10**5, 10**6], help="verdicts")
    parser.add_argument("--rounds", type=int, default=3, help="of the second table")
    parser.add_argument("--seeds", type=int, default=1, help="of each of the 18 cells")
    parser.add_argument("--decoding_alone", action="store_true", help="compare the schedules on 18 decodings alone")
    options = parser.parse_args()
    common = (
        "decoding=sampling", f"model={options.model}", f"decoding.max_new_tokens={options.tokens}",
        "subset=stratified", f"subset.n={options.prompts}", "tracking.traces=0",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        if options.decoding_alone:
            for schedule, used in decoding_alone(Path(name), common).items():
                print(f"{schedule}: {used.wall:.1f} s, processor {used.cpu:.1f} s")
            return
        grown = cached(Path(name) / "cached", options.sizes, options.rounds)
        compared = compare(Path(name) / "compared", common, options.seeds)
    print(tables(compared, grown))


if __name__ == "__main__":
    main()
