"""Tokens a second against the ways in which others generate: same model, prompts and limits, interleaved in one run.

    python benchmarks/generation.py --prompts outputs.json.gz --n 200 --max_new_tokens 128
    python benchmarks/generation.py --prompts outputs.json.gz --n 48 --max_new_tokens 64 --dtype float32   # same text?
    python benchmarks/generation.py --random_llama --n 512     # a GPU: needs torch, transformers and accelerate only

Contestants: `loop` (one prompt at a time), `batches` (transformers' generate on sorted, padded batches), `alpaca_eval`
(its own local decoder), `lm_eval_N` (lm-evaluation-harness at batch size N, where --peers_python has it),
`llama_cpp_N` (llama.cpp's server with N slots; --llama_server, --gguf), `vllm` (where --vllm_python has it), `ours`,
`ours_2` (two processes). Each has a process of its own, which loads before the clock starts.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.peers.generators import MARK, Job, Turn  # noqa: E402


class Contestant:
    """A process that has loaded the model and waits for its turn."""

    def __init__(self, name: str, job: Job, python: str) -> None:
        command = [python, str(ROOT / "benchmarks" / "peers" / "generators.py"), name]
        self.name, self.turns = name, list[Turn]()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._say(json.dumps(asdict(job)))
        self._hear()

    def take_turn(self) -> Turn:
        """Let it write all answers."""
        self._say("go")
        self.turns.append(Turn(**json.loads(self._hear())))
        return self.turns[-1]

    def speed(self) -> float:
        """Return the median of its turns in tokens a second."""
        return statistics.median(sum(turn.tokens) / turn.seconds for turn in self.turns)

    def stop(self) -> None:
        """End the process."""
        self.process.communicate()

    def _say(self, line: str) -> None:
        assert self.process.stdin
        print(line, file=self.process.stdin, flush=True)

    def _hear(self) -> str:
        assert self.process.stdout
        for line in self.process.stdout:
            if line.startswith(MARK):
                return line.removeprefix(MARK)
        sys.exit(f"{self.name} ended with exit code {self.process.wait()}")


def main() -> None:
    values = arguments()
    folder = random_llama(values.random_llama) if values.random_llama else bundled(values.model)
    prompts = read_prompts(values.prompts, values.n)
    contestants = []
    for name in values.contestants.split(","):
        slow = name in ("loop", "alpaca_eval")
        chosen = prompts[:: values.every] if slow else prompts
        pythons = {"lm_eval": values.peers_python, "alpaca_eval": values.peers_python, "vllm": values.vllm_python}
        python = next((python for peer, python in pythons.items() if name.startswith(peer)), sys.executable)
        job = Job(str(folder), values.dtype, chosen, values.max_new_tokens, values.llama_server, values.gguf)
        contestants.append(Contestant(name, job, python))
        print(f"{name} has loaded", flush=True)
    limits = ceilings(folder, values.dtype)
    for repeat in range(values.repeats):
        for contestant in contestants:  # interleaved: a busy minute hits every contestant
            turn = contestant.take_turn()
            speed = f"{sum(turn.tokens)} tokens in {turn.seconds:.1f} s, {sum(turn.tokens) / turn.seconds:.1f}/s"
            print(f"repeat {repeat} {contestant.name}: {len(turn.tokens)} answers, {speed}", flush=True)
    report(contestants, limits, values.every)
    for contestant in contestants:
        contestant.stop()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", help="a json(.gz) or jsonl file of rows with `instruction`; default: the demo's")
    parser.add_argument("--model", help="a model directory; without it, the bundled SmolLM2-135M")
    parser.add_argument("--random_llama", nargs="?", const="1b", choices=["1b", "tiny"], help="random weights")
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--max_new_tokens", type=int, default=64)
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--every", type=int, default=4, help="loop and alpaca_eval get one prompt of so many")
    parser.add_argument("--contestants", default="loop,batches,ours,ours_2")
    parser.add_argument("--peers_python", default=sys.executable, help="the interpreter of an environment with lm_eval")
    parser.add_argument("--vllm_python", default=sys.executable, help="the interpreter of an environment with vLLM")
    parser.add_argument("--llama_server", default="llama-server", help="llama.cpp's server")
    parser.add_argument("--gguf", default="", help="the same model for llama.cpp")
    return parser.parse_args()


def report(contestants: list[Contestant], limits: dict[str, float], every: int) -> None:
    """Print speeds, ratios, memory, equal texts, and the share of the two measured ceilings."""
    best = max((c for c in contestants if c.name.startswith("ours")), key=Contestant.speed, default=contestants[-1])
    texts = best.turns[-1].texts
    print(f"\n{'':14s} tokens/s   {best.name} is   same text   peak MiB   of ceiling")
    for contestant in contestants:
        turn = contestant.turns[-1]
        other = texts if len(turn.texts) == len(texts) else texts[::every]
        same = sum(a.strip() == b.strip() for a, b in zip(turn.texts, other, strict=True))
        speed = contestant.speed()
        share = speed / bound(turn, limits)
        print(
            f"{contestant.name:14s} {speed:8.1f} {best.speed() / speed:8.2f} x {same:6d}/{len(other)}"
            f" {turn.peak_bytes / 2**20:9.0f} {share:10.0%}"
        )
    print("\n" + ", ".join(f"{name} {value:.4g}" for name, value in limits.items()))


def bound(turn: Turn, limits: dict[str, float]) -> float:
    """Return the tokens a second at which the matrix products of these prompts and answers run without a break."""
    written, read = sum(turn.tokens), sum(turn.prompt_tokens)
    # A prompt's tokens pass all layers but the head; each written token passes both.
    work = 2 * (written * limits["parameters"] + read * (limits["parameters"] - limits["head parameters"]))
    return written / (work / limits["matrix product, FLOP/s"])


def ceilings(folder: Path, dtype: str) -> dict[str, float]:
    """Measure a matrix product and a copy, and count the parameters that a token passes."""
    import torch
    from transformers import AutoModelForCausalLM

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind = getattr(torch, dtype)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=kind)
    parameters = sum(p.numel() for p in model.parameters())
    embedding, head = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    lookup = 0 if head is embedding or model.config.tie_word_embeddings else embedding.numel()

    def rate(run: Callable[[], object], work: float) -> float:
        best = float("inf")
        for _ in range(12):
            start = time.monotonic()
            run()
            if device.type == "cuda":
                torch.cuda.synchronize()
            best = min(best, time.monotonic() - start)
        return work / best

    left, right = (torch.randn(2048, 2048, dtype=kind, device=device) for _ in range(2))
    block = torch.zeros(1 << 28, dtype=torch.uint8, device=device)
    target = torch.empty_like(block)
    return {
        "matrix product, FLOP/s": rate(lambda: left @ right, 2.0 * 2048**3),
        "copy, bytes/s": rate(lambda: target.copy_(block), 2.0 * block.numel()),
        "parameters": parameters - lookup,
        "head parameters": head.numel(),
    }


def read_prompts(path: str | None, count: int) -> list[str]:
    """Return evenly spaced prompts of a file."""
    file = Path(path) if path else ROOT / "alpacabench" / "dataset" / "demo.jsonl"
    opener: Any = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rt", encoding="utf-8") as stream:
        text = stream.read()
    rows = json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]
    count = min(count, len(rows))
    return [rows[i * len(rows) // count]["instruction"] for i in range(count)]


def bundled(given: str | None) -> Path:
    from alpacabench.inference.weights.bundled import bundled_dir

    return Path(given) if given else bundled_dir()


def random_llama(size: str) -> Path:
    """Write a Llama with random weights, 1B-class or tiny, and a byte-level tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from tests.helpers.tiny import build_tiny, build_tokenizer

    folder = Path(tempfile.mkdtemp(prefix="llama-"))
    if size == "tiny":
        return build_tiny(folder, max_position_embeddings=2048)
    config = LlamaConfig(
        vocab_size=128256, hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=32,
        num_key_value_heads=8, max_position_embeddings=8192, tie_word_embeddings=True, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(build_tokenizer(folder))
    return folder


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main()
