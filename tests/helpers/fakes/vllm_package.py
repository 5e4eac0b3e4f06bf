"""A package laid out as vLLM's documented offline API: unknown arguments are errors, as they are there.

It serves to check what reaches vLLM and how its outputs are read; no engine is behind it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import pytest


@dataclass
class SamplingParams:
    n: int = 1
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = -1
    min_p: float = 0.0
    seed: int | None = None
    stop: str | list[str] | None = None
    stop_token_ids: list[int] | None = None
    ignore_eos: bool = False
    max_tokens: int | None = 16
    min_tokens: int = 0
    logprobs: int | None = None
    detokenize: bool = True
    skip_special_tokens: bool = True
    include_stop_str_in_output: bool = False

    def __post_init__(self) -> None:
        if self.top_k == 0 or self.top_k < -1:
            raise ValueError(f"top_k must be -1 (disable), or at least 1, got {self.top_k}.")
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise ValueError("seed must fit into 64 bits")


@dataclass(frozen=True)
class LoRARequest:
    lora_name: str
    lora_int_id: int
    lora_path: str


@dataclass
class RequestStateStats:
    """Times of the second engine."""

    scheduled_ts: float = 10.0
    last_token_ts: float = 12.5


@dataclass
class RequestMetrics:
    """Times of the first engine."""

    first_scheduled_time: float = 10.0
    finished_time: float = 11.5


@dataclass
class CompletionOutput:
    index: int
    text: str
    token_ids: list[int]
    finish_reason: str | None = None
    stop_reason: int | str | None = None


@dataclass
class RequestOutput:
    request_id: str
    prompt: str | None
    prompt_token_ids: list[int]
    outputs: list[CompletionOutput]
    finished: bool = True
    metrics: Any = field(default_factory=RequestStateStats)


@dataclass
class Call:
    """What one `generate` was given."""

    prompts: list[dict[str, Any]]
    sampling: list[SamplingParams]
    lora_request: LoRARequest | None


class LLM:
    """Answers each prompt with its length; keeps what it was made with and asked."""

    made: list[LLM] = []
    times: Any = RequestStateStats()

    def __init__(
        self,
        model: str,
        *,
        tokenizer: str | None = None,
        trust_remote_code: bool = False,
        tensor_parallel_size: int = 1,
        dtype: str = "auto",
        quantization: str | None = None,
        revision: str | None = None,
        gpu_memory_utilization: float = 0.9,
        max_model_len: int | None = None,
        load_format: str = "auto",
        enable_lora: bool = False,
        max_lora_rank: int = 16,
        disable_log_stats: bool = True,
    ) -> None:
        self.values = {name: value for name, value in locals().items() if name != "self"}
        self.calls: list[Call] = []
        self.made.append(self)
        self.llm_engine = LLMEngine(self)

    def get_tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self.values["model"])

    def answer(self, key: str, index: int, ids: list[int]) -> RequestOutput:
        completion = CompletionOutput(
            0, f"<think>hm</think>{len(ids)} tokens", [7, 8, 9], ("stop", "length")[index % 2]
        )
        return RequestOutput(key, None, ids, [completion], metrics=self.times)


class LLMEngine:
    """Finishes one request in each step; the requests added before the first step are one call."""

    def __init__(self, llm: LLM) -> None:
        self.llm = llm
        self.waiting: list[tuple[str, int, list[int]]] = []
        self.aborted: list[str] = []
        self.engine_core = self
        self.shut = False

    def add_request(
        self, request_id: str, prompt: dict[str, Any], params: SamplingParams, *, lora_request: LoRARequest | None
    ) -> str:
        if not self.waiting:
            self.llm.calls.append(Call([], [], lora_request))
        call = self.llm.calls[-1]
        self.waiting.append((request_id, len(call.prompts), prompt["prompt_token_ids"]))
        call.prompts.append(prompt)
        call.sampling.append(params)
        return request_id

    def has_unfinished_requests(self) -> bool:
        return bool(self.waiting)

    def step(self) -> list[RequestOutput]:
        return [self.llm.answer(*self.waiting.pop(0))]

    def abort_request(self, request_ids: list[str]) -> None:
        self.aborted += request_ids
        self.waiting.clear()

    def shutdown(self) -> None:
        self.shut = True


def install(monkeypatch: pytest.MonkeyPatch) -> type[LLM]:
    """Put the package where `import vllm` finds it, for one test."""
    names = ("vllm", "vllm.lora", "vllm.lora.request")
    modules = {name: ModuleType(name) for name in names}
    for name, module in modules.items():
        module.__spec__ = ModuleSpec(name, None, is_package=name != names[-1])
        monkeypatch.setitem(sys.modules, name, module)
    vars(modules["vllm"]).update(LLM=LLM, SamplingParams=SamplingParams)
    vars(modules["vllm.lora.request"]).update(LoRARequest=LoRARequest)
    monkeypatch.setattr(LLM, "made", [])
    return LLM
