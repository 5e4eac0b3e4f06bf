"""The ways in which others generate, and ours: each in a process of its own, which loads, then waits for its turn.

Started by benchmarks/generation.py, which writes the job to standard input, then one line per turn.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from alpacabench.core.records import digest
from alpacabench.inference.spec import ChatFormat, DecodeSpec, ModelSpec, Plan, Task
from benchmarks.peers.engines import LlamaServer, Vllm, Written

MARK = "=== "
"""Begins the lines that are meant for the parent: libraries print, too."""


@dataclass(frozen=True)
class Job:
    """What every contestant is asked."""

    folder: str
    dtype: str
    prompts: list[str]
    limit: int
    """Tokens of an answer."""
    llama_server: str = ""
    """llama.cpp's program, where it is a contestant."""
    gguf: str = ""
    """The model for it."""


@dataclass(frozen=True)
class Turn:
    """What one turn gave; answers are in the order of the prompts."""

    seconds: float
    prompt_tokens: list[int]
    tokens: list[int]
    texts: list[str]
    peak_bytes: int
    """Of the process, or of one of several."""


class Prepared:
    """The loaded model and the prompts, rendered by us for all contestants alike."""

    def __init__(self, job: Job) -> None:
        from alpacabench.inference.loading import resident
        from alpacabench.inference.prompt import Encoder

        self.job = job
        self.spec = ModelSpec(job.folder, dtype=job.dtype)
        self.loaded = resident(self.spec, Plan())
        self.encoder = Encoder(self.loaded.tokenizer, ChatFormat(), self.loaded.eos, self.loaded.context)
        self.tasks = [Task(digest([i, text]), (("user", text),)) for i, text in enumerate(job.prompts)]
        self.rendered = [self.encoder.render(task.messages) for task in self.tasks]
        self.ids = [self.encoder.encode(task.messages).ids for task in self.tasks]

    def answer(self, ids: list[int]) -> tuple[int, str]:
        """Return an answer from its token ids, which may go on behind its end."""
        ends = [i for i, token in enumerate(ids) if token in self.encoder.stop_ids]
        cut = ids[: ends[0]] if ends else ids
        return len(cut) + bool(ends), self.encoder.decode(cut)

    def recount(self, text: str) -> tuple[int, str]:
        """Return an answer from its text, where a peer gives no token ids."""
        count = len(self.loaded.tokenizer(text, add_special_tokens=False)["input_ids"])
        return min(count + 1, self.job.limit), text


def loop(prepared: Prepared) -> Written:
    """Ask for one prompt at a time, as most scripts do."""
    return padded(prepared, 1)


def batches(prepared: Prepared) -> Written:
    """Ask transformers' generate for sorted, left-padded batches."""
    return padded(prepared, 32)


def padded(prepared: Prepared, size: int) -> Written:
    """Run transformers' generate on batches of similar length."""
    import torch

    loaded, pad = prepared.loaded, prepared.encoder.pad
    written: dict[int, tuple[int, str]] = {}
    order = sorted(range(len(prepared.ids)), key=lambda i: len(prepared.ids[i]))
    for start in range(0, len(order), size):
        rows = [prepared.ids[i] for i in order[start : start + size]]
        longest = max(map(len, rows))
        ids = torch.tensor([[pad] * (longest - len(row)) + row for row in rows], device=loaded.device)
        seen = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows], device=loaded.device)
        with torch.inference_mode():
            out = loaded.model.generate(
                ids, attention_mask=seen, max_new_tokens=prepared.job.limit, do_sample=False, pad_token_id=pad,
                eos_token_id=sorted(prepared.encoder.stop_ids),
            )  # fmt: skip
        written |= dict(zip(order[start:], map(prepared.answer, out[:, longest:].tolist()), strict=False))
    return [written[i] for i in range(len(order))]


def ours(prepared: Prepared, plan: Plan | None = None) -> Written:
    """Ask our engine, in this process or in worker processes."""
    from alpacabench import inference as worker

    backend = worker.open_backend(prepared.spec, plan or Plan())
    decode = DecodeSpec(prepared.job.limit)
    answers = {a.key: (a.completion_tokens, a.text) for a in backend.generate(prepared.tasks, decode, ChatFormat())}
    return [answers[task.key] for task in prepared.tasks]


def ours_2(prepared: Prepared) -> Written:
    """Ask two processes of ours."""
    return ours(prepared, Plan("data_parallel", 2))


def lm_eval(prepared: Prepared, size: int) -> Written:
    """Ask lm-evaluation-harness' HF backend, with the rendered prompts."""
    instance = importlib.import_module("lm_eval.api.instance").Instance
    kind = importlib.import_module("lm_eval.models.huggingface").HFLM
    loaded = prepared.loaded
    model = kind(pretrained=loaded.model, tokenizer=loaded.tokenizer, batch_size=size, max_length=loaded.context)
    until = {"until": [], "max_gen_toks": prepared.job.limit, "do_sample": False}
    asked = [instance("generate_until", {}, (text, dict(until)), i) for i, text in enumerate(prepared.rendered)]
    return [prepared.recount(text) for text in model.generate_until(asked, disable_tqdm=True)]


def alpaca_eval(prepared: Prepared) -> Written:
    """Ask alpaca_eval's own local decoder at its default batch size, 1; it loads the model in each call."""
    decoder = importlib.import_module("alpaca_eval.decoders.huggingface_local")
    auto, dtype = decoder.AutoModelForCausalLM, prepared.loaded.model.dtype

    class Auto:
        @staticmethod
        def from_pretrained(name: str, **values: Any) -> Any:
            # Without a GPU it passes `load_in_8bit` and no dtype, which transformers 5 does not take.
            return auto.from_pretrained(name, dtype=dtype)

    decoder.AutoModelForCausalLM = Auto
    done = decoder.huggingface_local_completions(
        prepared.rendered, model_name=prepared.job.folder, do_sample=False, max_new_tokens=prepared.job.limit
    )
    decoder.AutoModelForCausalLM = auto
    return [prepared.recount(text) for text in done["completions"]]


def contestant(name: str, prepared: Prepared) -> Callable[[], Written]:
    """Return the contestant of that name, loaded; `lm_eval_32` has a batch size of 32, `llama_cpp_32` 32 slots."""
    job = prepared.job
    if name.startswith("lm_eval_"):
        return lambda: lm_eval(prepared, int(name.removeprefix("lm_eval_")))
    if name.startswith("llama_cpp_"):
        return LlamaServer(job.llama_server, job.gguf, int(name.removeprefix("llama_cpp_")), prepared.ids, job.limit)
    if name == "vllm":
        return Vllm(job.folder, job.dtype, prepared.ids, job.limit)
    if name == "ours_2":
        from alpacabench.inference import pool

        pool.group(prepared.spec, Plan("data_parallel", 2))
    known = {f.__name__: f for f in (loop, batches, ours, ours_2, alpaca_eval)}
    return lambda: known[name](prepared)


def main() -> None:
    """Prepare, then take a turn for each line that comes."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    if sys.argv[1].startswith("ours"):
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as `open_backend` does, before torch is imported
    prepared = Prepared(Job(**json.loads(sys.stdin.readline())))
    write = contestant(sys.argv[1], prepared)
    print(MARK + "ready", flush=True)
    for _ in sys.stdin:
        start = time.monotonic()
        written = write()
        seconds = time.monotonic() - start
        from alpacabench import inference as worker

        counts = [len(ids) for ids in prepared.ids]
        peak = write.peak_bytes() if isinstance(write, LlamaServer) else worker.peak_bytes()
        turn = Turn(seconds, counts, [n for n, _ in written], [text for _, text in written], peak)
        print(MARK + json.dumps(asdict(turn)), flush=True)
    if isinstance(write, LlamaServer):
        write.close()


if __name__ == "__main__":
    main()
