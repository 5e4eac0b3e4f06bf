"""Tokens a second against the ways in which others generate: same model, prompts and limits, interleaved in one run.

    python -m benchmarks.generation --prompts outputs.json.gz --n 200 --max_new_tokens 64 --dtype bfloat16
    python -m benchmarks.generation --random_llama --n 512     # a GPU: needs torch, transformers and accelerate only

Contestants: `loop` (one prompt at a time), `batches` (transformers' generate on sorted, padded batches), `alpaca_eval`
(its own local decoder), `lm_eval_N` (lm-evaluation-harness at batch size N, where installed), `ours`, `ours_2` (two
processes). A figure is the median of the repeats; ratios are against ours.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from alpacabench.records import digest  # noqa: E402
from alpacabench.worker.spec import ChatFormat, DecodeSpec, ModelSpec, Plan, Task  # noqa: E402

Contestant = Callable[[], int]
"""Writes all answers and returns how many tokens they have."""


def main() -> None:
    values = arguments()
    folder = random_llama() if values.random_llama else bundled(values.model)
    prompts = read_prompts(values.prompts, values.n)
    spec = ModelSpec(str(folder), dtype=values.dtype)
    contestants = build(spec, prompts, values)
    chosen = [name for name in contestants if not values.only or name in values.only.split(",")]
    speeds: dict[str, list[float]] = {name: [] for name in chosen}
    for repeat in range(values.repeats):
        for name in chosen:  # interleaved: a busy minute hits every contestant
            start = time.monotonic()
            tokens = contestants[name]()
            seconds = time.monotonic() - start
            speeds[name].append(tokens / seconds)
            print(f"repeat {repeat} {name}: {tokens} tokens in {seconds:.1f} s, {tokens / seconds:.1f}/s", flush=True)
    report(speeds, spec)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", help="a json(.gz) file of rows with `instruction`; without it, made-up prompts")
    parser.add_argument("--model", help="a model directory; without it, the bundled SmolLM2-135M")
    parser.add_argument("--random_llama", action="store_true", help="a randomly initialised 1B-class Llama")
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--max_new_tokens", type=int, default=64)
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--loop_n", type=int, default=24, help="prompts of the one-at-a-time loop, evenly spaced")
    parser.add_argument("--lm_eval_batch_sizes", default="16,32,64")
    parser.add_argument("--only", default="")
    return parser.parse_args()


def build(spec: ModelSpec, prompts: list[str], values: argparse.Namespace) -> dict[str, Contestant]:
    """Return the contestants that can run here; each model is loaded before the clock starts."""
    from alpacabench.worker.engine import Engine
    from alpacabench.worker.loading import resident
    from alpacabench.worker.pool import Pooled, group
    from alpacabench.worker.prompt import Encoder

    loaded = resident(spec, Plan())
    encoder = Encoder(loaded.tokenizer, ChatFormat(), loaded.eos, loaded.context)
    tasks = [Task(digest(text), (("user", text),)) for text in prompts]
    decode = DecodeSpec(values.max_new_tokens)
    ids = [encoder.encode(task.messages).ids for task in tasks]
    wanted = values.only.split(",") if values.only else None
    found: dict[str, Contestant] = {
        "loop": lambda: padded(loaded, ids[:: max(1, len(ids) // values.loop_n)], 1, values.max_new_tokens),
        "batches": lambda: padded(loaded, sorted(ids, key=len), 32, values.max_new_tokens),
        "ours": lambda: sum(a.completion_tokens for a in Engine(loaded).generate(tasks, decode, ChatFormat())),
    }
    if find_spec("lm_eval") and not values.random_llama:
        for size in map(int, values.lm_eval_batch_sizes.split(",")):
            found[f"lm_eval_{size}"] = lm_eval(loaded, encoder, tasks, size, values.max_new_tokens)
    if find_spec("alpaca_eval") and not values.random_llama:
        found["alpaca_eval"] = lambda: alpaca_eval(spec, encoder, tasks[:: max(1, len(ids) // values.loop_n)], values)
    if (wanted is None or "ours_2" in wanted) and not values.random_llama:
        plan = Plan("data_parallel", 2)
        group(spec, plan)
        found["ours_2"] = lambda: sum(
            a.completion_tokens for a in Pooled(spec, plan).generate(tasks, decode, ChatFormat())
        )
    return found


def padded(loaded: Any, ids: list[list[int]], size: int, limit: int) -> int:
    """Run transformers' generate on left-padded batches; size 1 is what most scripts do."""
    import torch

    pad, total = loaded.tokenizer.pad_token_id or 0, 0
    for start in range(0, len(ids), size):
        batch = ids[start : start + size]
        longest = max(map(len, batch))
        rows = torch.tensor([[pad] * (longest - len(row)) + row for row in batch], device=loaded.device)
        seen = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in batch], device=loaded.device)
        with torch.inference_mode():
            out = loaded.model.generate(
                rows, attention_mask=seen, max_new_tokens=limit, do_sample=False, pad_token_id=pad
            )
        for row in out[:, longest:].tolist():
            stops = [row.index(stop) + 1 for stop in loaded.eos if stop in row]
            total += min(stops, default=len(row))
    return total


def lm_eval(loaded: Any, encoder: Any, tasks: list[Task], size: int, limit: int) -> Contestant:
    """lm-evaluation-harness' HF backend on the same rendered prompts."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    model = HFLM(pretrained=loaded.model, tokenizer=loaded.tokenizer, batch_size=size, max_length=8192)
    until = {"until": [], "max_gen_toks": limit, "do_sample": False}

    def run() -> int:
        asked = [
            Instance("generate_until", {}, (encoder.render(task.messages), dict(until)), i)
            for i, task in enumerate(tasks)
        ]
        answers = model.generate_until(asked, disable_tqdm=True)
        return sum(len(loaded.tokenizer(text, add_special_tokens=False)["input_ids"]) + 1 for text in answers)

    return run


def alpaca_eval(spec: ModelSpec, encoder: Any, tasks: list[Task], values: argparse.Namespace) -> int:
    """Run alpaca_eval's own local decoder, which loads the model in each call: a user waits for that, too."""
    from alpaca_eval.decoders.huggingface_local import huggingface_local_completions

    done = huggingface_local_completions(
        [encoder.render(task.messages) for task in tasks],
        model_name=spec.source,
        do_sample=False,
        batch_size=1,
        model_kwargs={"torch_dtype": spec.dtype},
        max_new_tokens=values.max_new_tokens,
    )
    return sum(len(encoder.tokenizer(text, add_special_tokens=False)["input_ids"]) + 1 for text in done["completions"])


def report(speeds: dict[str, list[float]], spec: ModelSpec) -> None:
    """Print medians, ratios to ours, the two measured ceilings and the peak memory."""
    from alpacabench import worker
    from alpacabench.worker.loading import resident

    ours = statistics.median(speeds["ours"]) if "ours" in speeds else None
    for name, values in speeds.items():
        median = statistics.median(values)
        print(f"{name:12s} {median:8.1f} tokens/s" + (f"   ours is {ours / median:5.2f} times this" if ours else ""))
    loaded = resident(spec, Plan())
    flops, copied = ceilings(loaded)
    parameters = sum(p.numel() for p in loaded.model.parameters())
    bound = flops / (2 * parameters)
    print(f"matrix product {flops / 1e9:.0f} GFLOP/s, copy {copied / 1e9:.1f} GB/s: at most {bound:.0f} tokens/s")
    if ours:
        print(f"ours reaches {ours / bound:.0%} of the matrix product's ceiling, prefill not counted")
    print(f"peak memory of a process {worker.peak_bytes() / 2**20:.0f} MiB")


def ceilings(loaded: Any) -> tuple[float, float]:
    """Return the measured rates of a matrix product [64 x hidden] and of a copy, in FLOP/s and bytes/s."""
    import torch

    def rate(run: Callable[[], object], work: float) -> float:
        run()
        best = float("inf")
        for _ in range(10):
            start = time.monotonic()
            run()
            if loaded.device.type == "cuda":
                torch.cuda.synchronize()
            best = min(best, time.monotonic() - start)
        return work / best

    size = 2048
    left = torch.randn(64, size, dtype=loaded.model.dtype, device=loaded.device)
    right = torch.randn(size, size * 4, dtype=loaded.model.dtype, device=loaded.device)
    block = torch.zeros(1 << 26, dtype=torch.uint8, device=loaded.device)
    return rate(lambda: left @ right, 2.0 * 64 * size * size * 4), rate(block.clone, 2.0 * block.numel())


def read_prompts(path: str | None, count: int) -> list[str]:
    """Return evenly spaced prompts of a file, or made-up ones of mixed lengths."""
    if path is None:
        return [f"Question {i}: " + "why is the sky blue and the sea green? " * (1 + i * 7 % 13) for i in range(count)]
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8") as stream:
        rows = json.load(stream)
    return [rows[i * len(rows) // count]["instruction"] for i in range(count)]


def bundled(given: str | None) -> Path:
    from alpacabench.weights.bundled import bundled_dir

    return Path(given) if given else bundled_dir()


def random_llama() -> Path:
    """Write a 1B-class Llama with random weights and a byte-level tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from tests.tiny import build_tokenizer

    folder = build_tokenizer(Path(tempfile.mkdtemp(prefix="llama-")))
    config = LlamaConfig(
        vocab_size=128256, hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=32,
        num_key_value_heads=8, max_position_embeddings=8192, tie_word_embeddings=True, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    return folder


if __name__ == "__main__":
    main()
