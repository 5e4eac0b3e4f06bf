"""Any causal language model that transformers can load: Hub id, directory or GGUF file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from alpacabench import inference
from alpacabench.core.errors import ConfigError, Problem
from alpacabench.decoding import Decoding
from alpacabench.inference.spec import Answer, DecodeSpec, ModelSpec, Task
from alpacabench.inference.weights.adapter import how_to_merge, is_adapter
from alpacabench.inference.weights.source import Dtype, Source
from alpacabench.model.base import Model
from alpacabench.model.local_calls import said
from alpacabench.model.request import Request
from alpacabench.sharding import Sharding
from alpacabench.store.ask_once import FLUSH, Reply


class HuggingFace(Model):
    """A transformers model, decoded by our own loop."""

    sharding_modes: ClassVar[frozenset[str]] = frozenset(
        {"none", "data_parallel", "zero3", "tensor_parallel", "device_map"}
    )

    takes_tools: ClassVar[bool] = True

    path: str
    base: str | None = None
    """Of a LoRA adapter; None is the model that its adapter_config.json names."""
    revision: str | None = None
    dtype: Dtype | None = None
    template: str | None = None
    template_arguments: dict[str, Any] = Field(default_factory=dict)
    """What the chat template is given beside the messages, as `enable_thinking`."""
    device: str | None = None
    """cpu, cuda, cuda:1; None is the first accelerator, else the CPU."""
    quantization: Literal["8bit", "4bit"] | None = None
    attention: str | None = None
    """transformers' attention implementation; None lets it choose."""
    trust_remote_code: bool = False
    allow_pickle: bool = False

    @property
    def source(self) -> Source:
        """The weights, as this configuration names them."""
        return Source(
            self.path, self.revision, self.dtype, self.template, self.device, self.quantization, self.attention,
            self.trust_remote_code, self.allow_pickle, base=self.base, adapters=True, arguments=self.template_arguments,
        )  # fmt: skip

    def problems(self) -> Iterator[Problem]:
        """Yield a missing model, a missing template, unsafe files that are not allowed, and missing extras."""
        yield from self.source.problems()

    def check_with(self, decoding: Decoding, sharding: Sharding) -> Iterator[Problem]:
        """Yield what this model cannot do under these values; a tensor-parallel degree must divide its heads."""
        yield from super().check_with(decoding, sharding)
        if sharding.mode in ("zero3", "tensor_parallel") and is_adapter(self.path):
            remedy = f"allowed: none, data_parallel, device_map; or merge it: {how_to_merge(Path(self.path))}"
            yield Problem("sharding", f"given '{sharding.mode}', but an adapter is merged into whole weights", remedy)
        try:
            yield from sharding.check_heads(self.source.checkpoint().config())
        except ConfigError:
            return  # `check` says so

    def models_to_load(self) -> frozenset[ModelSpec]:
        """Return the model itself."""
        return frozenset({self.source.spec()})

    def identity(self) -> dict[str, Any]:
        """Return weights, template text, dtype and quantisation."""
        return self.source.identity()

    def ask(self, requests: list[Request], decoding: Decoding, sharding: Sharding) -> Iterable[Reply]:
        """Write the answers with the model in this process or in its worker processes."""
        yield from self.ask_each([(request, decoding) for request in requests], sharding)

    def ask_each(self, requests: list[tuple[Request, Decoding]], sharding: Sharding) -> Iterable[Reply]:
        """Write the answers in common batches, each with its own decoding values."""
        if not requests:
            return
        backend = inference.open_backend(self.source.spec(), sharding.plan())
        offered = {request.key: request.prompt.exchange.tools() for request, _ in requests}
        tasks = [Task(r.key, r.messages, _spec(decoding), offered[r.key]) for r, decoding in requests]
        batch_size = None if sharding.batch_size == "auto" else sharding.batch_size
        layout = {"sharding": sharding.mode, "processes": sharding.num_processes}
        for answer in backend.generate(tasks, _spec(requests[0][1]), self.source.format(), batch_size):
            yield reply(answer, layout, bool(offered[answer.key]))
            # The next answer may take long: this one must not be lost meanwhile.
            yield FLUSH


def _spec(decoding: Decoding) -> DecodeSpec:
    """Return the values as the decode loop takes them: all but seed and n, which are in the key."""
    return DecodeSpec(**decoding.model_dump(exclude={"seed", "n"}))


def reply(answer: Answer, layout: dict[str, Any], offered: bool = False) -> Reply:
    """Return a worker's answer as the store takes it; where tools were offered, its calls apart from its text."""
    if answer.failure is not None:
        return Reply(answer.key, failure=answer.failure)
    payload = {
        **said(answer.text, offered),
        "finish_reason": answer.finish_reason,
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "seconds": answer.seconds,
        "layout": layout | {"batch_size": answer.batch_size},
    }
    return Reply(answer.key, payload | ({"reasoning": answer.reasoning} if answer.reasoning is not None else {}))
