"""Judging time: our client against alpaca_eval's own, on one loopback server, interleaved in one run.

    python benchmarks/judging.py --data ../shared/alpaca_eval --out benchmarks/results

Each round judges the same pairs twice with each client: with a fixed latency, and with a rate limit on top. Every run
is a process of its own, so that its time includes its imports and its peak memory is its own. Prints a table of wall
time, requests, requests a second and peak memory with the ratio of the two, and writes it with a plot.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
JUDGE = "weighted_alpaca_eval_gpt4_turbo"
CLIENTS = ("alpacabench", "alpaca_eval")


def judge_once(client: str, url: str, pairs_file: str) -> dict[str, Any]:
    """Judge all pairs with one client; returns seconds, the number of verdicts and the peak memory in MiB."""
    import resource
    import time

    rows = json.loads(Path(pairs_file).read_text(encoding="utf-8"))
    start = time.monotonic()
    verdicts = _ours(url, rows) if client == "alpacabench" else _theirs(url, rows)
    seconds = time.monotonic() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "verdicts": verdicts, "mib": memory}


def _ours(url: str, rows: list[dict[str, str]]) -> int:
    from alpacabench.core.records import Example, Pair
    from alpacabench.judge.token import TokenJudge
    from alpacabench.store.store import Store

    judge = TokenJudge(
        name=JUDGE, model_name="gpt-4-1106-preview", base_url=url,
        template="alpaca_eval:alpaca_eval_clf_gpt4_turbo/alpaca_eval_clf.txt",
    )  # fmt: skip
    pairs = [
        Pair(Example(i, r["instruction"], r["reference"]), r["instruction"], r["reference"], r["output"])
        for i, r in enumerate(rows)
    ]
    with tempfile.TemporaryDirectory() as folder, Store(f"sqlite:///{folder}/store.db") as store:
        return sum(v.preference is not None for v in judge.judge(pairs, store))


def _theirs(url: str, rows: list[dict[str, str]]) -> int:
    os.environ["OPENAI_API_KEYS"] = "none"
    os.environ["OPENAI_API_BASE"] = url
    from alpaca_eval.annotators import PairwiseAnnotator

    with tempfile.TemporaryDirectory() as folder:
        annotator = PairwiseAnnotator(annotators_config=JUDGE, caching_path=f"{folder}/annotations.json")
        judged = annotator.annotate_head2head(
            outputs_1=[{"instruction": r["instruction"], "output": r["reference"]} for r in rows],
            outputs_2=[{"instruction": r["instruction"], "output": r["output"]} for r in rows],
        )
    return sum(row["preference"] is not None for row in judged)


def run(client: str, url: str, pairs_file: Path) -> dict[str, Any]:
    """Judge in a process of its own."""
    command = [sys.executable, __file__, "--client", client, "--url", url, "--pairs", str(pairs_file)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Run every round; returns one row per setting and client with medians over the rounds."""
    sys.path.insert(0, str(ROOT))
    from tests.helpers.fakes.openai_server import chat_server, made_up, read, recorded

    data = options.data
    answer = recorded(data, [options.model]) if data else made_up
    rows = _pairs(read, data, options.model)[: options.pairs_count]
    settings = {
        f"{options.latency * 1000:.0f} ms": {"latency": options.latency},
        f"{options.latency * 1000:.0f} ms, {options.rate} requests a second": {
            "latency": options.latency, "rate": options.rate,
        },
    }  # fmt: skip
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        pairs_file = Path(folder) / "pairs.json"
        pairs_file.write_text(json.dumps(rows), encoding="utf-8")
        for _ in range(options.rounds):
            for setting, behaviour in settings.items():
                for client in CLIENTS:
                    with chat_server(answer, **behaviour) as server:
                        result = run(client, server.url, pairs_file)
                        answered = server.statuses[200]
                        result |= {"requests": len(server.requests), "most": server.max_in_flight}
                        span = server.answered_at[-1] - server.requests[0].at
                        result |= {"per_second": answered / span}
                    found.setdefault((setting, client), []).append(result)
                    print(setting, client, result, file=sys.stderr)
    names = ("seconds", "verdicts", "requests", "per_second", "most", "mib")
    return [
        {"setting": setting, "client": client} | {name: median(r[name] for r in results) for name in names}
        for (setting, client), results in found.items()
    ]


def _pairs(read: Any, data: Path | None, model: str) -> list[dict[str, str]]:
    if data is None:
        return [{"instruction": f"Q{i}?", "reference": f"R{i} " * 300, "output": f"A{i} " * 300} for i in range(805)]
    outputs = {row["instruction"]: row["output"] for row in read(data / f"{model}.outputs.json.gz")}
    return [
        {"instruction": r["instruction"], "reference": r["output"], "output": outputs[r["instruction"]]}
        for r in read(data / "gpt4_1106_preview.outputs.json.gz")
    ]


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table, with the ratio of wall times below each setting."""
    lines = [
        "| setting | client | seconds | verdicts | requests | answered per second | most in flight | peak MiB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row['setting']} | {row['client']} | {row['seconds']:.1f} | {row['verdicts']:.0f} "
            f"| {row['requests']:.0f} | {row['per_second']:.1f} | {row['most']:.0f} | {row['mib']:.0f} |"
        )
    for setting, ratio in ratios(rows).items():
        lines.append(f"| {setting} | ratio | {ratio:.1f} times faster | | | | | |")
    return "\n".join(lines)


def ratios(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Return alpaca_eval's wall time as a multiple of ours, by setting."""
    seconds = {(row["setting"], row["client"]): row["seconds"] for row in rows}
    settings = dict.fromkeys(row["setting"] for row in rows)
    return {s: seconds[s, "alpaca_eval"] / seconds[s, "alpacabench"] for s in settings}


def plot(rows: list[dict[str, Any]]) -> str:
    """Return the wall times as bars: an SVG."""
    widest, top = max(row["seconds"] for row in rows), 40
    parts = [f'<text x="10" y="22" font-size="15">Seconds to judge {rows[0]["verdicts"]:.0f} pairs</text>']
    for number, row in enumerate(rows):
        y = top + number * 30 + (number // 2) * 14
        width = 380 * row["seconds"] / widest
        colour = "#2a6f97" if row["client"] == "alpacabench" else "#a9a9a9"
        parts.append(f'<text x="10" y="{y + 15}">{row["client"]}, {row["setting"]}</text>')
        parts.append(f'<rect x="330" y="{y}" width="{width:.0f}" height="20" fill="{colour}"/>')
        parts.append(f'<text x="{336 + width:.0f}" y="{y + 15}">{row["seconds"]:.1f} s</text>')
    height = top + len(rows) * 30 + 30
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 790 {height}" font-family="sans-serif" font-size="13">'
        f'<rect width="790" height="{height}" fill="white"/>' + "".join(parts) + "</svg>\n"
    )


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the recorded data; without it, made-up pairs")
    parser.add_argument("--model", default="gpt-3.5-turbo-1106", help="whose recorded answers")
    parser.add_argument("--latency", type=float, default=0.3, help="seconds")
    parser.add_argument("--rate", type=int, default=50, help="requests a second")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--pairs-count", type=int, default=805)
    parser.add_argument("--out", type=Path, help="folder for judging.md and judging.svg")
    parser.add_argument("--client", choices=CLIENTS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--pairs", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        print(json.dumps(judge_once(options.client, options.url, options.pairs)))
        return
    rows = measure(options)
    print(table(rows))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "judging.md").write_text(table(rows) + "\n", encoding="utf-8")
        (options.out / "judging.svg").write_text(plot(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
